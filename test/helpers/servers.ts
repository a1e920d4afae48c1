/**
 * How each of the three servers speaks, and how tests share a server that is
 * expensive to start.
 */
import type { Launched } from "../../scripts/launch.ts";
import { connect, type Client } from "./clients.ts";
import { keepRunning, sockets } from "./harness.ts";
import type { ListeningServer } from "./programs.ts";

/** A server: what it prints, and how a learner writes in its handler. */
export interface Server {
  /** Its file without .ts. */
  name: string;
  /** Whether it serves further clients after the first one. */
  isForever: boolean;
  /** Whether Ctrl+C closes its connections. Otherwise clients can finish. */
  closesAtCtrlC: boolean;

  /** The line that it prints when it listens. */
  listens(port: number): string;
  /** The line that it prints when bytes have arrived. */
  receives(addr: string, text: string): string;
  /** Its message on stderr when a client resets the connection. */
  resetComplaint: RegExp;
  /**
   * Its message on stderr when a client no longer answers.
   *
   * @param code the system's code for it
   */
  lostComplaint(code: string): RegExp;
  /**
   * Its message on stderr when its handler throws an error.
   *
   * @param error the error's name and message
   */
  complaint(error: string): RegExp;

  /** How the first line of its main function begins. */
  firstLine: string;
  /** The object and the method by which a handler sends: "conn.sendall". */
  sender: string;
  /** The names of the methods that send and receive. */
  verbs: { send: string; receive: string };
  /** The statement by which a handler sends. */
  send(data: string): string;
  /** The statement by which a handler receives. */
  receive(size: string): string;
  /** The statement that makes a handler sleep. */
  sleep(ms: number): string;
}

/**
 * Escapes a text for a regular expression.
 *
 * @returns a pattern that matches exactly this text
 */
export function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/**
 * The lines that a server prints for one client.
 *
 * @param texts what each recv returned
 * @returns all of them, from "Connected by" on
 */
export function linesOf(
  server: Server,
  client: Client,
  texts: string[],
): string[] {
  const received = texts.map((text) => server.receives(client.addr, text));
  const lines = [`Connected by ${client.addr}`, ...received];
  if (server.isForever) lines.push(`Connection with ${client.addr} closed`);
  return lines;
}

/**
 * What a program prints from the moment on in which this is made: a shared
 * server has printed before.
 */
export class Transcript {
  readonly #program: Launched;
  readonly #stdoutStart: number;
  readonly #stderrStart: number;

  constructor(program: Launched) {
    this.#program = program;
    this.#stdoutStart = program.output.stdout.length;
    this.#stderrStart = program.output.stderr.length;
  }

  get stdout(): string {
    return this.#program.output.stdout.slice(this.#stdoutStart);
  }

  get stderr(): string {
    return this.#program.output.stderr.slice(this.#stderrStart);
  }

  /**
   * Waits until stdout or stderr has a text.
   *
   * @throws Error when it has not within 10 seconds
   */
  async shows(pattern: RegExp): Promise<void> {
    const isThere = () =>
      pattern.test(this.stdout) || pattern.test(this.stderr);
    await this.#program.until(String(pattern), isThere);
  }
}

/**
 * A server that several tests use one after the other. The first of them starts
 * it. A server that serves only one client is started for each test.
 */
export class SharedServer {
  readonly #isForever: boolean;
  readonly #start: () => Promise<ListeningServer>;
  #program: ListeningServer | undefined;
  #bystander: Client | undefined;

  /** @param start starts the server, when a test needs it */
  constructor(server: Server, start: () => Promise<ListeningServer>) {
    this.#isForever = server.isForever;
    this.#start = start;
  }

  /** The running server: a new one if the last one has exited. */
  async running(): Promise<ListeningServer> {
    if (this.#program && !this.#program.exitStatus) return this.#program;
    this.#bystander = undefined;
    this.#program = await this.#start();
    if (this.#isForever) keepRunning(this.#program);
    return this.#program;
  }

  /** A client of the running server that stays connected over all tests. */
  async bystander(): Promise<Client> {
    const { port } = await this.running();
    if (this.#bystander) return this.#bystander;
    const client = await connect(port);
    // It stays connected after a test, and doesn't keep the tests running.
    sockets.delete(client.socket);
    client.socket.unref();
    this.#bystander = client;
    return client;
  }
}

/**
 * Does something expensive once, for several tests.
 *
 * @returns a function that gives each test the same result, or the same error
 */
export function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
