/** A pseudo terminal for the tests, made by util-linux's `script`: what is typed there, Ctrl+C too, comes as from a keyboard. */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { launch, projectFile } from "../scripts/processes.ts";
import { connect, echo } from "./clients.ts";
import { notLinux, type Why } from "./here.ts";

/** Why the tests can't have one here. */
export const noTerminal: Why =
  notLinux || (!existsSync("/usr/bin/script") && "no program script");

/** Runs a command for a shell in a terminal, in the project's folder. */
export function terminal(command: string) {
  const hidden = "NODE_CHANNEL_FD NODE_CHANNEL_SERIALIZATION_MODE"; // ours, not npx's
  const line = `unset ${hidden}; cd '${projectFile(".")}'; ${command}`;
  const shell = ["script", "-qefc", line, "/dev/null"];
  const script = launch(shell, { messages: true });

  return {
    type: (keys: string) => script.child.stdin!.write(keys),
    screen: () => script.output.stdout.replaceAll("\r\n", "\n"),
    saw: script.saw,

    /** Waits for the end of the command; returns its exit code, 128 and more for a signal. */
    exit: async (ms = 20_000) => (await script.exit(ms)).code,
  };
}

/** Starts a server as a learner does, and connects a client; then what one Ctrl+C does may be asked. */
export async function startByNpx(name: string) {
  const command = `npx tsx ${name}.ts --port 0`;
  const server = terminal(command);
  const [, port] = await server.saw(/listening on .*?(\d+)\)?\r?\n/, 60_000);
  const client = await connect(Number(port));
  await echo(client, "before");

  /** It counts once, though npx and tsx pass it on: the threaded server goes on for its client. */
  return async function ctrlC(): Promise<void> {
    server.type("\x03");
    if (!name.endsWith("async")) {
      await server.saw(/still connected: 1; Ctrl\+C again stops/, 20_000);
      await sleep(700); // until whatever passes the Ctrl+C on has done so
      await echo(client, "after");
      client.fin();
    }
    assert.is(await client.ending(), "FIN");
    client.fin();
    await server.exit();
    const closed = `Connection with ${client.addr} closed\n`;
    assert.ok(server.screen().includes(closed), server.screen());
    assert.is(server.screen().split("shutting down").length, 2);
  };
}
