/** A debugger stops in the threads of lecture1_server_forever. */
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { launch } from "../scripts/launch.ts";
import { projectFile, tsxLoader } from "../scripts/project.ts";
import { connect, expectEcho } from "./helpers/clients.ts";
import { suite } from "./helpers/harness.ts";
import {
  editedFile,
  listening,
  type ListeningServer,
} from "./helpers/programs.ts";
import { typeStrippingNode } from "./helpers/runtimes.ts";

const test = suite("debugger");

const debuggerUrl = pathToFileURL(projectFile("test/helpers/breakpoint.js"));

/** The threaded server with `debugger;` in its handler; its full path. */
function serverWithBreakpoint(): Promise<string> {
  return editedFile("lecture1_server_forever", {
    before: "conn.sendall(data);",
    after: "debugger; $&",
  });
}

/** The number of the line that has `debugger;`, as editors count. */
async function lineOfBreakpoint(file: string): Promise<number> {
  const lines = (await readFile(file, "utf8")).split("\n");
  return lines.findIndex((line) => line.includes("debugger;")) + 1;
}

/** @param command the runtime with its options */
function startWithDebugger(
  command: string[],
  file: string,
): Promise<ListeningServer> {
  const preload = ["--import", debuggerUrl.href];
  return listening(launch([...command, ...preload, file, "--port=0"]));
}

/**
 * Connects a client, and asserts that the debugger stops in its thread, which
 * has the client's address as its name.
 *
 * @param place the URL of the file and what follows, as a regular expression
 */
async function expectStop(server: ListeningServer, place: string) {
  const client = await connect(server.port);
  await expectEcho(client, "hello");

  const thread = `127.0.0.1:${client.socket.localPort}`;
  const stop = `stopped at handleClient, ${place} in .* ${thread}`;
  await server.prints(new RegExp(stop));
}

test("`debugger;` stops the thread of every client", async () => {
  const file = await serverWithBreakpoint();
  const command = [process.execPath, ...tsxLoader];
  const server = await startWithDebugger(command, file);

  const place = `${pathToFileURL(file)}\\?tsx:\\d+`;
  await expectStop(server, place);
  await expectStop(server, place);
});

test.unless(typeStrippingNode.why)(
  "without tsx, the debugger sees file and line of every stop",
  async () => {
    const file = await serverWithBreakpoint();
    const command = [typeStrippingNode.program];
    const server = await startWithDebugger(command, file);

    const place = `${pathToFileURL(file)}:${await lineOfBreakpoint(file)}`;
    await expectStop(server, place);
    await expectStop(server, place);
  },
);

test.run();
