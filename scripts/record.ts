/**
 * npm run record: makes the recordings that packets shows with --show anew, from the
 * programs as they are. It takes tshark and the right to capture; for lossy Linux, root,
 * nftables and unshare. `npm run record lossy hello` makes these only.
 */
import {
  cp,
  mkdtemp,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scriptNames } from "./designs.ts";
import type { Recording } from "./packets/recording.ts";
import { launch, projectFile, tsxLoader } from "./processes.ts";

/** What is run for a recording, with which options, and what is changed before. */
interface Plan {
  args?: string[];
  /** A text of lecture1_server.ts, and what takes its place. */
  edit?: [before: string, after: string];
  /** Rules of netfilter: they apply behind the capture. */
  rules?: string[];
}

const drop = "limit rate 1/day burst 1 packets drop"; // the first one, and no more

const plans: Record<string, Plan> = {
  hello: {},
  long: { args: ["--bytes", "4000"] },
  forever: { args: ["--server", "forever"] },
  async: { args: ["--server", "async"] },
  refused: { args: ["--refused"] },
  reset: { args: ["--reset"] },
  robot: { args: ["--robot"] },
  lossy: {
    rules: ["original", "reply"].map(
      (direction) => `tcp flags & psh == psh ct direction ${direction} ${drop}`,
    ),
  },
  sleep: {
    edit: [
      "",
      "await new Promise((resolve) => setTimeout(resolve, 2000));\n      ",
    ],
  },
  recv4: { edit: ["conn.recv(1024)", "conn.recv(4)"] },
};

/** Where the edit of sleep goes: before the first recv. */
const place = "const utf8 = new TextDecoder();";

/** A copy of the project, edited. */
async function copyProject({ edit }: Plan): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lecture1-record-"));
  const programs = [...Object.values(scriptNames), "lecture1_client"];
  for (const name of ["scripts", ...programs.map((name) => `${name}.ts`)])
    await cp(projectFile(name), join(folder, name), { recursive: true });
  await cp(projectFile("package.json"), join(folder, "package.json"));
  await symlink(
    projectFile("node_modules"),
    join(folder, "node_modules"),
    "junction",
  );
  if (!edit) return folder;
  const [before, after] = edit;
  const file = join(folder, "lecture1_server.ts");
  const parts = (await readFile(file, "utf8")).split(before || place);
  if (parts.length !== 2) throw new Error(`not once there: ${before || place}`);
  await writeFile(file, parts.join(before ? after : `${after}${place}`));
  return folder;
}

/** In a network of its own, so that only this run meets the rules. */
function behind(rules: string[]): string[] {
  const chain = ["type filter hook input priority 0", ...rules].join("\n");
  const table = `table ip lossy {\n chain input {\n${chain}\n}\n}\n`;
  const shell = `ip link set lo up && nft '${table}' && exec "$@"`;
  return ["unshare", "--net", "sh", "-c", shell, "sh"];
}

/** What was changed, as lines of a diff. */
function changedBy({ edit, rules }: Plan): string[] | undefined {
  if (rules) return ["nft, input:", ...rules.map((rule) => `+ ${rule}`)];
  if (!edit) return undefined;
  const [before, after] = edit;
  const lines = [`- ${before}`, `+ ${after.trim()}`];
  return ["lecture1_server.ts:", ...lines.filter((line) => line !== "- ")];
}

async function record(name: string, plan: Plan): Promise<void> {
  const folder = await copyProject(plan);
  const packets = launch([
    ...(plan.rules ? behind(plan.rules) : []),
    ...[process.execPath, ...tsxLoader, join(folder, "scripts", "packets.ts")],
    ...[...(plan.args ?? []), "--json", "-"],
  ]);
  const { code } = await packets.exit(60_000);
  await rm(folder, { recursive: true });
  if (code !== 0) throw new Error(packets.report());
  const { date, system, run, ...rest } = JSON.parse(
    packets.output.stdout,
  ) as Recording;
  if (plan.rules)
    for (const side of ["client", "server"])
      rest.packets.find(({ from, length }) => from === side && length)!.lost =
        true;
  const changed = changedBy(plan);
  const recording = {
    date,
    system,
    run,
    ...(changed ? { changed } : {}),
    ...rest,
  };
  const file = projectFile(`scripts/packets/recordings/${name}.json`);
  await writeFile(file, `${JSON.stringify(recording, null, 2)}\n`);
  console.log(`${name}: ${rest.packets.length} packets`);
}

const [, , ...names] = process.argv;
for (const [name, plan] of Object.entries(plans))
  if (names.length === 0 || names.includes(name)) await record(name, plan);
