/** One run of a server and the client, with its packets captured. */
import { connect } from "../old/connection.ts";
import { scriptNames, type Design } from "../designs.ts";
import { preloaded } from "../erased.ts";
import {
  freePort,
  launch,
  listening,
  projectFile,
  type Launched,
  type Written,
} from "../processes.ts";
import type { Options } from "./options.ts";
import type { Packet } from "./packet.ts";
import { explain, linesOf } from "./recording.ts";
import { say } from "./texts.ts";
import { startCapture } from "./tshark.ts";

/** Seconds that a script may take: a learner may have put a pause into it. */
const patience = 30;

/** Seconds that what the kernel does by itself may take. */
const moment = 10;

/** One of the lecture's scripts, and what it has written. */
type Script = Launched & { name: string; written: Written[] };

/**
 * Runs a server and the client once and captures what goes between them.
 *
 * @returns the packets, the lines, and what didn't go as it should
 * @throws Refusal where there is no capture; Error when the server doesn't listen,
 *   or no packet was captured
 */
export async function captureRun(options: Options) {
  const { server: design, message, meets, save } = options;
  const port = await freePort();
  const problems: string[] = [];
  /** Waits; what doesn't come, or a script that failed, is told beside all that came. */
  async function expect(
    what: string,
    wait: Promise<unknown>,
    script?: Script,
  ): Promise<void> {
    const came = await wait.then(
      () => true,
      () => false,
    );
    const crash = script && crashOf(script);
    if (crash) problems.push(crash);
    else if (!came) problems.push(what);
  }

  const [capture, server] = await Promise.all([
    startCapture(port, save),
    meets === "nobody" ? undefined : startServer(design, port),
  ]);
  const first = meets === "busy server" ? await connect(port) : undefined;
  if (first) {
    const accepts = server!.saw(/Connected by/, moment * 1000);
    await expect(say.notAccepted(moment), accepts);
  }
  const client = await start("lecture1_client", port, [`--message=${message}`]);
  if (first) {
    const waits = capture.until("confirmed bytes", secondWaits, moment);
    await expect(say.notConfirmed(moment), waits);
    first.leave();
  }
  const leaves = client.exit(patience * 1000);
  await expect(say.notEnded(`${client.name}.ts`, patience), leaves, client);
  await client.stop();
  if (server) {
    const what = say.notLeft(`${server.name}.ts`, patience);
    await expect(what, end(server, design), server);
    await server.stop();
  }
  const connections = first ? 2 : 1;
  const over = (packets: Packet[]) => ended(packets) === connections;
  await expect(say.noEnd(moment), capture.until("the end", over, moment));
  await capture.stop().catch(({ message }: Error) => problems.unshift(message));

  const packets = capture.packets();
  const firstMs = packets[0]?.atMs;
  if (firstMs === undefined) throw new Error(problems.join("\npackets: "));
  const lines = [
    ...linesOf("server", design, server?.written ?? [], firstMs),
    ...linesOf("client", "client", client.written, firstMs),
  ].sort((a, b) => a.timeMs - b.timeMs);
  return { lines, packets, problems };
}

/** Starts a script, with the preload that tells when it writes. */
async function start(
  name: string,
  port: number,
  args: string[] = [],
): Promise<Script> {
  const written: Written[] = [];
  const file = projectFile(`${name}.ts`);
  const [node = "", ...rest] = await preloaded("packets/stamp.ts", file, port);
  const script = launch(
    // A learner's mistake is told with the line of the file itself.
    [node, "--enable-source-maps", ...rest, ...args],
    process.env,
    (line) => written.push(line),
  );
  return Object.assign(script, { name, written });
}

async function startServer(design: Design, port: number): Promise<Script> {
  const server = await start(scriptNames[design], port);
  await listening(server).catch(() => {
    const said = crashOf(server) ?? server.all().trim();
    throw new Error(said || say.notListening(`${server.name}.ts`));
  });
  return server;
}

/** How many connections have ended. */
function ended(packets: Packet[]): number {
  return explain(packets).connections.filter(({ ended }) => ended).length;
}

/** Whether the server's kernel has confirmed bytes of the second client. */
function secondWaits(packets: Packet[]): boolean {
  return explain(packets).packets.some(
    ({ connection, from, ack = 0 }) =>
      connection === 2 && from === "server" && ack > 1,
  );
}

/** Waits until the server has seen its client leave, and ends it if it goes on. */
async function end(server: Launched, design: Design): Promise<void> {
  if (design !== "server") {
    await server.saw(/^Connection with .* closed$/m, patience * 1000);
    server.kill("SIGINT");
  }
  await server.exit(patience * 1000);
}

/**
 * What node says of an error that nobody caught: of a learner's edit, perhaps. What
 * goes wrong on the network the scripts say themselves, with their name in front.
 */
function crashOf({ name, ended, output, written }: Script): string | undefined {
  const saidIt = written.some(({ text }) => text.startsWith(`${name}: `));
  if (!ended?.code || saidIt) return undefined;
  return say.crashed(`${name}.ts`, ended.code, output.stderr.trim());
}
