/** A debugger stops in the threads of the threaded server: at a breakpoint by file and line, or at `debugger;`. */
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import {
  launch,
  listening,
  projectFile,
  tsxLoader,
} from "../scripts/processes.ts";
import { connect, echo, onLinux, suite } from "./harness.ts";
import { runtimes } from "./runtimes.ts";
import { editedFile } from "./servers.ts";

const test = suite("debugger");
const server = { name: "lecture1_server_forever" };
const file = projectFile(`${server.name}.ts`);
const code = await readFile(file, "utf8");
const line = code.split("conn.recv(1024)")[0]!.split("\n").length;

/** Starts a server with a breakpoint in the line of recv. */
function launchWith(command: string[], script: string) {
  const breakpoint = pathToFileURL(projectFile("test/breakpoint.ts")).href;
  const env = {
    ...process.env,
    LECTURE1_BREAKPOINT: `${pathToFileURL(script)}:${line}`,
  };
  const args = ["--import", breakpoint, script, "--port", "0"];
  return listening(launch([...command, ...args], env));
}

const [node] = runtimes;
const major = Number.parseInt(node!.version ?? "0");

test.unless(!node!.program && `no ${node!.name} on the PATH`)(
  `node ${node!.version ?? "22.18"}: a breakpoint in handleClient stops every client's thread, which has its address as a name`,
  async () => {
    const script = await launchWith([node!.program!], file);
    for (const number of [1, 2]) {
      const client = await connect(script.port);
      await echo(client, "hello");
      const name = `127.0.0.1:${client.socket.localPort}`;
      await script.saw(
        new RegExp(`stopped at handleClient:${line} in .*${number}.* ${name}`),
      );
      if (!onLinux || major < 24) continue;
      const tasks = `/proc/${script.pid}/task`;
      const names = await Promise.all(
        (await readdir(tasks)).map((task) =>
          readFile(join(tasks, task, "comm"), "utf8"),
        ),
      );
      assert.ok(names.includes(`${name.slice(0, 15)}\n`), names.join());
    }
  },
);

test("with the tsx loader, on any node: `debugger;` in handleClient stops there", async () => {
  const copy = await editedFile(server, (code) =>
    code.replace("conn.sendall(data);", "debugger; $&"),
  );
  const script = await launchWith([process.execPath, ...tsxLoader], copy);
  await echo(await connect(script.port), "hello");
  await script.saw(/stopped at handleClient:/);
});

test.run();
