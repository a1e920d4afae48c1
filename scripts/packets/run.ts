/** One run of a server and the client, with its packets captured. */
import { connect } from "../connection.ts";
import { scriptNames, type Design } from "../designs.ts";
import {
  freePort,
  launch,
  listening,
  projectFile,
  tsxLoader,
  type Launched,
  type Written,
} from "../launch.ts";
import type { Options } from "./options.ts";
import type { Packet } from "./packet.ts";
import { explain, linesOf } from "./recording.ts";
import { startCapture } from "./tshark.ts";

/** Milliseconds that a script may take: a learner may have put a pause into it. */
const patience = 30_000;

/** Preloaded into the scripts: tells when they write. */
const stamp = new URL("./stamp.ts", import.meta.url).href;

/** One of the lecture's scripts, and what it has written. */
type Script = Launched & { name: string; written: Written[] };

/**
 * Runs a server and the client once and captures what goes between them.
 *
 * @returns the packets, the lines, and what didn't go as it should
 * @throws Refusal where there is no capture; Error when the server doesn't listen,
 *   or no packet was captured
 */
export async function record(options: Options) {
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
    const accepts = server!.saw(/Connected by/);
    await expect("no client was accepted within 10 s", accepts);
  }
  const client = start("lecture1_client", port, [`--message=${message}`]);
  if (first) {
    const waits = capture.until("confirmed bytes", secondWaits);
    await expect("no bytes of client 2 were confirmed within 10 s", waits);
    first.leave();
  }
  const leaves = client.exit(patience);
  await expect("lecture1_client.ts did not end within 30 s", leaves, client);
  await client.stop();
  if (server) {
    const what = `${server.name}.ts did not see its client leave within 30 s`;
    await expect(what, end(server, design), server);
    await server.stop();
  }
  const connections = first ? 2 : 1;
  const over = (packets: Packet[]) => ended(packets) === connections;
  const close = capture.until("the end", over);
  await expect("not every connection's end came within 10 s", close);
  await capture.stop().catch(({ message }: Error) => problems.unshift(message));

  const packets = capture.packets();
  const firstMs = packets[0]?.atMs;
  if (firstMs === undefined) throw new Error(problems.join("\npackets: "));
  const lines = [
    ...linesOf("server", design, server?.written ?? [], firstMs),
    ...linesOf("client", "client", client.written, firstMs),
  ].sort((a, b) => a.timeMs - b.timeMs);
  const about =
    "1 is a client that stays, and leaves once bytes of 2 are confirmed; 2 is lecture1_client";
  return { lines, packets, problems, ...(first ? { about } : {}) };
}

/** Starts a script with node, the tsx loader, and the preload that tells when it writes. */
function start(name: string, port: number, args: string[] = []): Script {
  const written: Written[] = [];
  const script = launch(
    [
      ...[process.execPath, ...tsxLoader, "--import", stamp],
      ...[projectFile(`${name}.ts`), "--port", String(port), ...args],
    ],
    process.env,
    (line) => written.push(line),
  );
  return Object.assign(script, { name, written });
}

async function startServer(design: Design, port: number): Promise<Script> {
  const server = start(scriptNames[design], port);
  await listening(server).catch(() => {
    const said = crashOf(server) ?? server.all().trim();
    throw new Error(said || `${server.name}.ts did not listen`);
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
    await server.saw(/^Connection with .* closed$/m, patience);
    server.kill("SIGINT");
  }
  await server.exit(patience);
}

/**
 * What node says of an error that nobody caught: of a learner's edit, perhaps. What
 * goes wrong on the network the scripts say themselves, with their name in front.
 */
function crashOf({ name, ended, output, written }: Script): string | undefined {
  const saidIt = written.some(({ text }) => text.startsWith(`${name}: `));
  if (!ended?.code || saidIt) return undefined;
  const { stderr } = output;
  return `${name}.ts ended with exit code ${ended.code}\n${stderr}`.trim();
}
