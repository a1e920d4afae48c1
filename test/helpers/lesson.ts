/** Takes the documents apart, and does what they say: command by command, as a learner would. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { freePort } from "../../scripts/freePort.ts";
import { launch, type Launched } from "../../scripts/launch.ts";
import { projectFile } from "../../scripts/project.ts";
import { $ } from "../../scripts/zx.ts";
import { unreadBytes } from "./clients.ts";
import { eventually } from "./harness.ts";
import {
  copyProject,
  erasedCommand,
  listening,
  printsTimes,
} from "./programs.ts";
import { lecturePort, programFiles } from "../../scripts/copyProject.ts";

type Copy = Awaited<ReturnType<typeof copyProject>>;

/** A heading and what stands below it: fenced blocks (sh is a command, text an output, diff an edit), and the prose. */
export type Section = ReturnType<typeof sectionsOf>[number];

/** Reads a file of the project as sections. */
export function sectionsOf(file: string) {
  const fence = /^```(\w*)\n(.*?)^```$/gms;
  const parts = readFileSync(projectFile(file), "utf8").split(/^(?=#+ )/m);
  return parts.map((part) => ({
    title: part.split("\n")[0]!,
    blocks: Array.from(part.matchAll(fence), ([, language = "", text = ""]) => {
      return { language, text };
    }),
    prose: part.replace(fence, ""),
  }));
}

/** Asserts that a text quotes an output word for word, in its order; it may say … where it leaves lines out. */
export function quotes(text: string, output: string): void {
  const lines = output.split("\n");
  let from = 0;
  for (const part of text.split(/^…\n/m)) {
    const quoted = part.split("\n").slice(0, -1);
    while (quoted.some((line, index) => line !== lines[from + index]))
      if (++from > lines.length)
        throw new Error(`not there, or not in this order:\n${part}`);
    from += quoted.length;
  }
}

/** What is given once, or shown by other tests. */
const elsewhere = /^(cd|git clone|npm|node --v|npx tsx scripts)/;

/** Does what a section says, in a copy on ports of its own; throws where an output isn't what stands there. */
export async function follow(section: Section): Promise<void> {
  const { blocks } = section;
  const shown = blocks.filter(({ language }) => language === "sh");
  const commands = shown.flatMap(({ text }) => text.trimEnd().split("\n"));
  if (commands.every((command) => elsewhere.test(command))) return;
  const copy = await copyProject();
  const { folder } = copy;
  const robotPort = String(await freePort());
  const here = (text: string) =>
    text.replaceAll(lecturePort, copy.port).replaceAll("12345", robotPort);
  const start = async (name: string, args: string[]) =>
    launch([...(await erasedCommand(join(folder, name))), ...args]);

  let server: Launched | undefined;
  let ofServer = ""; // what stands there as its output
  let clients: Launched[] = []; // of the last block
  let keyboard: Launched | undefined;

  /** Asserts that programs have printed what stands there, stderr for itself, but for their ports. */
  function shows(programs: Launched[], text: string): void {
    const likewise = (text: string) =>
      text
        .replaceAll(copy.port, lecturePort)
        .replaceAll(robotPort, "12345")
        .replace(/('127\.0\.0\.1',) \d+|\^C/g, "$1");
    const errors = /^lecture1_.*\n/gm;
    const chance = text.endsWith(": Hell\n") ? /(?<=server: Hell).+/ : /$^/;
    for (const [name, stands] of [
      ["stdout", likewise(text.replace(errors, ""))],
      ["stderr", likewise((text.match(errors) ?? []).join(""))],
    ] as const) {
      const all = programs.map(({ output }) => output[name]).join("");
      const printed = likewise(all).replace(chance, "");
      if (stands.includes("…\n")) quotes(stands, printed);
      else if (printed !== stands)
        throw new Error(`expected:\n${stands}\nprinted:\n${printed}`);
    }
  }

  /** Everybody leaves, and the server ends, by Ctrl+C where it goes on. */
  async function endServer(): Promise<void> {
    keyboard?.kill("SIGINT");
    await keyboard?.exit();
    keyboard = undefined;
    await Promise.all(clients.map((client) => client.exit()));
    if (!server) return;
    const came = server.printed().split("Connected by").length - 1;
    if (server.printed().includes("Received from")) {
      await printsTimes(server, "closed\n", came);
      server.kill("SIGINT");
    }
    const { code } = await server.exit();
    const failed = /^lecture1_server: /m.test(ofServer);
    assert.is(code, failed ? 1 : 0, server.describe());
    if (ofServer) shows([server], ofServer);
    server = undefined;
    ofServer = "";
  }

  async function git(command: string): Promise<string> {
    return (await $({ cwd: folder })`${command.split(" ")}`).stdout;
  }

  async function give(command: string, next: string): Promise<unknown> {
    const [, , file = "", ...args] = here(command).split(" ");
    if (elsewhere.test(command)) return;
    if (command.startsWith("git restore")) {
      await endServer();
      await git(command);
      return assert.is(await git("git diff --name-only"), "");
    }
    if (command.startsWith("ss ")) {
      return eventually(async () => {
        const { stdout } = await $`${here(command).split(" ")}`;
        return /^ESTAB +14 +0 +127\.0\.0\.1:/m.test(stdout)
          ? ""
          : `ss:\n${stdout}`;
      });
    }
    if (command.startsWith("node -e")) {
      // The robot waits for its echo, which takes longer where others keep the cores busy.
      const line = command.slice('node -e "'.length, -1);
      const code = here(line.replace("destroy(), 300)", "destroy(), 3000)"));
      if (!code.includes("stdin"))
        return launch([process.execPath, "-e", code]).exit();
      keyboard = await byKeyboard(code, /^.*\n|$/.exec(next)![0]);
      return next || keyboard.exit(); // where it types nothing the server closes
    }
    if (file.includes("server")) {
      await endServer();
      return (server = await listening(await start(file, args)));
    }
    const client = await start(file, args);
    clients.push(client);
    if (keyboard && next.includes("reset the connection")) {
      await eventually(async () => {
        const { length } = unreadBytes(Number(copy.port));
        return length === 2 ? "" : `${length} clients are connected`;
      });
      await endServer();
    }
    if (!blocks.some(({ text }) => text.startsWith("ss "))) await client.exit();
  }

  await git("git init --quiet");
  await git(`git add ${scripts.join(" ")}`);
  for (const [index, { language, text }] of blocks.entries()) {
    if (language === "diff") await edit(text, copy);
    if (text.startsWith("Server listening")) ofServer = text;
    else if (
      language === "text" &&
      clients.every(({ exitStatus }) => exitStatus)
    )
      if (clients.length) shows(clients, text);
    if (language !== "sh") continue;
    const next = blocks[index + 1]?.text ?? "";
    clients = clients.filter(({ exitStatus }) => !exitStatus);
    for (const command of text.trimEnd().split("\n"))
      await give(command, next.startsWith("Server") ? "" : next);
  }
  await endServer();
}

/** Does what a diff says, in the one script where its lines are. */
async function edit(diff: string, { folder, replace }: Copy) {
  const here = diff.replace("1e8", "1e6").replace("2000", "4000"); // less work, more time
  const lines = here.trimEnd().split("\n");
  const [before = "", after = ""] = ["+", "-"].map((mark) => {
    const side = lines.filter((line) => !line.startsWith(mark));
    return side.map((line) => line.slice(1)).join("\n");
  });
  const names = scripts.filter((name) =>
    readFileSync(join(folder, name), "utf8").includes(before),
  );
  assert.is(names.length, 1, `one script with these lines:\n${before}`);
  await replace(names[0]!, before, after);
}

/** The lecture's client of one long line: types a line, and waits until it comes back. */
async function byKeyboard(code: string, line: string) {
  const command = [process.execPath, "-e", code];
  const keyboard = launch(command, { messages: true });
  keyboard.child.stdin!.write(line);
  await keyboard.until("its echo", () => keyboard.output.stdout === line);
  return keyboard;
}
