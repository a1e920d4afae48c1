/**
 * Two computers and a cable between them: network namespaces of Linux, which
 * nothing outside them can reach.
 */
import { spawnSync } from "node:child_process";
import { $ } from "../../scripts/zx.ts";
import { notLinux, type Why } from "./machine.ts";

/** The server's address in its namespace. */
export const serverAddress = "192.168.0.2";

const robotAddress = "192.168.0.3";

/** The reason why this machine can't make two computers. */
export async function noTwoComputers(): Promise<Why> {
  if (notLinux) return notLinux;
  if (process.getuid!() !== 0) return "network namespaces need root";
  const computers = new TwoComputers();
  try {
    await computers.make();
    return false;
  } catch {
    return "no network namespaces here";
  } finally {
    computers.remove();
  }
}

export class TwoComputers {
  readonly #server = `lecture1-server-${process.pid}`;
  readonly #robot = `lecture1-robot-${process.pid}`;

  /** Is called by makeTwoComputers() only. */
  async make(): Promise<void> {
    process.once("exit", () => this.remove()); // Also when a test fails.
    await run(`netns add ${this.#server}`);
    await run(`netns add ${this.#robot}`);
    const ends = `cable netns ${this.#server} type veth peer name cable`;
    await run(`link add ${ends} netns ${this.#robot}`);
    await run(`-n ${this.#server} addr add ${serverAddress}/24 dev cable`);
    await run(`-n ${this.#robot} addr add ${robotAddress}/24 dev cable`);
    await run(`-n ${this.#server} link set cable up`);
    await run(`-n ${this.#robot} link set cable up`);
  }

  /** The command that runs a command on the server's computer. */
  onServer(command: string[]): string[] {
    return ["ip", "netns", "exec", this.#server, ...command];
  }

  /** The command that runs a command on the robot. */
  onRobot(command: string[]): string[] {
    return ["ip", "netns", "exec", this.#robot, ...command];
  }

  /** Pulls the cable out of the robot: neither side notices. */
  pullCable(): Promise<void> {
    return run(`-n ${this.#robot} link set cable down`);
  }

  plugCableIn(): Promise<void> {
    return run(`-n ${this.#robot} link set cable up`);
  }

  /** Removes both computers. */
  remove(): void {
    for (const name of [this.#server, this.#robot])
      spawnSync("ip", ["netns", "del", name]);
  }
}

/**
 * Makes two computers. They are removed when this process exits, or before.
 *
 * @throws Error when a command of `ip` fails
 */
export async function makeTwoComputers(): Promise<TwoComputers> {
  const computers = new TwoComputers();
  await computers.make();
  return computers;
}

async function run(args: string): Promise<void> {
  const { exitCode, stderr } = await $`ip ${args.split(" ")}`;
  if (exitCode !== 0) throw new Error(`ip ${args}: ${stderr}`);
}
