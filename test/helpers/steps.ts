/**
 * Steps of compare against servers inside the test's own process, whose speed,
 * cost and mistakes are known.
 */
import { once } from "node:events";
import net from "node:net";
import type { Task } from "../../scripts/compare.ts";
import {
  resultsOfFailedStep,
  ServerFailure,
} from "../../scripts/compare/failure.ts";
import type { Found, Idle, RunOptions } from "../../scripts/compare/result.ts";
import type { Server } from "../../scripts/compare/server.ts";
import type { Outcome } from "../../scripts/compare/texts.ts";
import { projectFile } from "../../scripts/project.ts";

/**
 * What a server does with a client.
 *
 * @param number how many clients are connected, this one included
 */
export type Handler = (client: net.Socket, number: number) => void;

/** What is different from a usual task. */
export interface TaskChanges {
  server?: Partial<Server>;
  options?: Partial<RunOptions>;
  idle?: Idle;
}

/**
 * Does a step of compare, with four clients, against a server in this process.
 */
export async function doStep(
  step: (task: Task) => Promise<Found>,
  handler: Handler,
  changes: TaskChanges = {},
): Promise<Found> {
  const clients = new Set<net.Socket>();
  const listener = net.createServer({ noDelay: true }, (client) => {
    clients.add(client);
    client.on("close", () => clients.delete(client));
    // A client that is cut off is what some of the tests are about.
    client.on("error", () => {});
    handler(client, clients.size);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as net.AddressInfo;

  const server: Server = {
    design: "async",
    language: "TypeScript",
    file: "",
    client: projectFile("lecture1_client.ts"),
    port,
    patienceMs: 1000,
    footprint: async () => ({}),
    async pressCtrlC() {},
    exit: async () => ({ code: 0, signal: null }),
    ...changes.server,
  };
  const options: RunOptions = {
    clients: 4,
    loadSeconds: 0.3,
    grow: false,
    ...changes.options,
  };
  try {
    return await step({ server, options, idle: changes.idle });
  } finally {
    for (const client of clients) client.destroy();
    listener.close();
  }
}

/**
 * The results of a step that fails.
 *
 * @throws Error if the step doesn't fail
 */
export async function resultsOfFailing(step: Promise<Found>): Promise<Found> {
  try {
    await step;
  } catch (error) {
    return resultsOfFailedStep("all at once", ServerFailure.from(error));
  }
  throw new Error("the step has not failed");
}

/** Echoes what the client sends. */
export const echo: Handler = (client) => {
  client.pipe(client);
};

/** The outcome of each client of the lecture's program, or of each visit. */
export function outcomesOf({ inTurn, stay }: Found): Outcome[] {
  const clients = inTurn ?? stay?.clients ?? [];
  return clients.map(({ outcome }) => outcome);
}

/** The numbers of connections whose load was measured. */
export function countsOf({ growth = [] }: Found): number[] {
  return growth.map(({ connections }) => connections);
}
