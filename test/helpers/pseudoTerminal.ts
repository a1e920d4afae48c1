/**
 * A pseudo terminal, made by util-linux's `script`. What is typed there, Ctrl+C
 * as well, arrives as from a keyboard.
 */
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { launch, type Launched } from "../../scripts/launch.ts";
import { projectFile } from "../../scripts/project.ts";
import { connect, expectEcho, type Client } from "./clients.ts";

/**
 * Runs a command in a pseudo terminal, in the project's folder. It can begin
 * with environment variables: "NAME=value program".
 *
 * @param setup shell commands that come first, such as "stty cols 60"
 */
export function openTerminal(command: string, setup = ":"): PseudoTerminal {
  // The IPC channel is this process's own: npx must not find it.
  const ours = "NODE_CHANNEL_FD NODE_CHANNEL_SERIALIZATION_MODE";
  const folder = projectFile(".");
  // The command replaces the shell, so that its exit code counts: after a
  // Ctrl+C, dash always exits with 130.
  const line = `unset ${ours}; cd '${folder}'; ${setup}; exec env ${command}`;
  const script = ["script", "-qefc", line, "/dev/null"];
  return new PseudoTerminal(launch(script, { messages: true }));
}

export class PseudoTerminal {
  readonly #script: Launched;

  /** Is called by openTerminal() only. */
  constructor(script: Launched) {
    this.#script = script;
  }

  /** Types keys: "\x03" is Ctrl+C. */
  type(keys: string): void {
    this.#script.child.stdin!.write(keys);
  }

  /** All that was written to the screen. */
  screen(): string {
    return this.#script.output.stdout.replaceAll("\r\n", "\n");
  }

  /**
   * Waits until a text was written to the screen.
   *
   * @param ms the deadline, in milliseconds
   */
  prints(pattern: RegExp, ms?: number): Promise<RegExpMatchArray> {
    return this.#script.prints(pattern, ms);
  }

  /**
   * Waits for the command's exit; returns its code, 128 and more for a signal.
   */
  async exit(ms = 20_000): Promise<number | null> {
    const { code } = await this.#script.exit(ms);
    return code;
  }
}

/** A server in a terminal, with a client that is connected. */
export interface ServerInTerminal {
  name: string;
  terminal: PseudoTerminal;
  client: Client;
}

/** Starts a server as a learner does, by npx tsx, and connects a client. */
export async function startByNpx(name: string): Promise<ServerInTerminal> {
  const terminal = openTerminal(`npx tsx ${name}.ts --port 0`);
  const listens = /listening on .*?(\d+)\)?\r?\n/;
  const [, port] = await terminal.prints(listens, 60_000);
  const client = await connect(Number(port));
  await expectEcho(client, "before");
  return { name, terminal, client };
}

/**
 * Presses Ctrl+C once, and asserts that it counts once, though npx and tsx pass
 * it on: the threaded server serves its client until it leaves.
 */
export async function expectOneCtrlC(server: ServerInTerminal): Promise<void> {
  const { name, terminal, client } = server;
  terminal.type("\x03");
  if (!name.endsWith("async")) {
    const stillServes = /still connected: 1; press Ctrl\+C again/;
    await terminal.prints(stillServes, 20_000);
    await sleep(700); // by then npx and tsx have passed the Ctrl+C on
    await expectEcho(client, "after");
    client.sendFin();
  }
  assert.is(await client.endOfStream(), "FIN");
  client.sendFin();

  await terminal.exit();
  const screen = terminal.screen();
  assert.match(screen, `Connection with ${client.addr} closed\n`);
  assert.is(screen.split("shutting down").length - 1, 1, screen);
}
