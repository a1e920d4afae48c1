/** One run of a server and the client, with its packets captured. */
import { connect } from "../compare/clients.ts";
import { scriptNames, type Design } from "../designs.ts";
import {
  freePort,
  launchScript,
  listening,
  type Launched,
  type Written,
} from "../launch.ts";
import type { Options } from "./options.ts";
import type { Packet } from "./packet.ts";
import { explain, linesOf, type Side } from "./recording.ts";
import { startCapture } from "./tshark.ts";

/** Milliseconds that a script may take: a learner may have put a pause into it. */
const longest = 30_000;

/**
 * Runs a server and the client once and captures what goes between them.
 *
 * @throws Refusal where there is no capture; Error when a script fails, or after
 *   30 seconds in which nothing of what was waited for came
 */
export async function record({
  server: design,
  message,
  meets,
  save,
}: Options) {
  const port = await freePort();
  const written: Record<Side, Written[]> = { client: [], server: [] };
  const script = (side: Side, name: string, args: string[]) =>
    launchScript(name, ["--port", String(port), ...args], (line) =>
      written[side].push(line),
    );
  const serverName = scriptNames[design];
  const startServer = async () => {
    const server = script("server", serverName, []);
    return listening(server).catch((error: Error) => {
      throwIfCrashed(serverName, server, written.server);
      throw error;
    });
  };
  const [capture, server] = await Promise.all([
    startCapture(port, save),
    meets === "nobody" ? undefined : startServer(),
  ]);

  const first = meets === "busy server" ? await connect(port) : undefined;
  if (first) await server!.saw(/Connected by/);
  const client = script("client", "lecture1_client", [`--message=${message}`]);
  if (first) {
    await capture.until("the second client's bytes, confirmed", secondWaits);
    first.leave();
  }
  await client.exit(longest);
  throwIfCrashed("lecture1_client", client, written.client);
  if (server) await end(server, design);
  if (server) throwIfCrashed(serverName, server, written.server);
  const connections = first ? 2 : 1;
  const whole = await capture
    .until("the end", (packets) => ended(packets) === connections)
    .then(
      () => true,
      () => false,
    );
  await capture.stop();

  const packets = capture.packets();
  if (!packets.length) throw new Error("the capture holds no packet");
  const firstMs = packets[0]!.atMs;
  const lines = [
    ...linesOf("server", design, written.server, firstMs),
    ...linesOf("client", "client", written.client, firstMs),
  ].sort((a, b) => a.timeMs - b.timeMs);
  const about =
    "1 is a client that stays, and leaves once bytes of 2 are confirmed; 2 is lecture1_client";
  return { lines, packets, whole, ...(first ? { about } : {}) };
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
    await server.saw(/^Connection with .* closed$/m, longest);
    server.kill("SIGINT");
  }
  await server.exit(longest);
}

/**
 * Throws what node says of an error that nobody caught: a learner's edit, perhaps.
 * What goes wrong on the network the scripts say themselves, with their name in front.
 */
function throwIfCrashed(
  name: string,
  { ended, output }: Launched,
  written: Written[],
): void {
  const saidIt = written.some(({ text }) => text.startsWith(`${name}: `));
  if (ended?.code && !saidIt)
    throw new Error(`${name}.ts failed\n${output.stderr.trim()}`);
}
