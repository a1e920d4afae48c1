/**
 * Follows a section of the documents as a learner does, and compares the
 * outputs.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import {
  lecturePort,
  programFiles,
  type ProjectCopy,
} from "../../scripts/copyProject.ts";
import { freePort } from "../../scripts/freePort.ts";
import { launch, type Launched } from "../../scripts/launch.ts";
import { $ } from "../../scripts/zx.ts";
import { unreadBytes } from "./clients.ts";
import { expectQuote, type Section } from "./documents.ts";
import { eventually } from "./harness.ts";
import {
  stepsOf,
  type ClientStep,
  type KeyboardStep,
  type ProgramCommand,
  type ReceiveQueueStep,
  type RobotStep,
  type ServerStep,
  type Step,
} from "./lessonSteps.ts";
import {
  copyOnFreePort,
  erasedCommand,
  listening,
  printsTimes,
} from "./programs.ts";

/**
 * The robot's port in the documents. A lesson uses a free port instead, as it
 * does for the lecture's port.
 */
const lectureRobotPort = "12345";

/**
 * The server that exits after its first client. The other two exit on Ctrl+C.
 */
const singleClientServer = "lecture1_server.ts";

/**
 * Does what a section says, in a copy of the project that uses free ports.
 *
 * @throws Error when a command or an edit isn't possible, or when a program
 *   prints something else than the section shows
 */
export async function follow(section: Section): Promise<void> {
  const steps = stepsOf(section);
  const copy = await copyOnFreePort();
  const robotPort = await freePort();
  const lesson = new Lesson(copy, String(robotPort), steps);
  await lesson.follow();
}

/** A server that runs in one of the learner's terminals. */
interface RunningServer {
  file: string;
  program: Launched;
}

/** The learner's project and terminals, while a section is followed. */
class Lesson {
  readonly #copy: ProjectCopy;
  readonly #robotPort: string;
  readonly #steps: Step[];

  #server: RunningServer | undefined;
  /** What the section shows of this server's output; "" if nothing. */
  #serverOutput = "";
  /** The client programs that were started since this server was started. */
  #clients: Launched[] = [];
  /** The learner's own connection, by the long line of node -e. */
  #keyboard: Launched | undefined;

  constructor(copy: ProjectCopy, robotPort: string, steps: Step[]) {
    this.#copy = copy;
    this.#robotPort = robotPort;
    this.#steps = steps;
  }

  async follow(): Promise<void> {
    // git restore brings back the programs that are added here.
    await this.#git("init --quiet");
    await this.#git(`add ${programFiles.join(" ")}`);
    for (const step of this.#steps) await this.#do(step);
    await this.#endServer();
  }

  async #do(step: Step): Promise<void> {
    switch (step.kind) {
      case "edit":
        return this.#edit(step.diff);
      case "undo":
        return this.#undo(step.command);
      case "server":
        return this.#startServer(step);
      case "server output":
        this.#serverOutput = step.output;
        return;
      case "client":
        return this.#runClients(step);
      case "keyboard":
        return this.#type(step);
      case "robot":
        return this.#runRobot(step);
      case "receive queue":
        return this.#expectReceiveQueue(step);
    }
  }

  // Edits

  /** Does what a diff says, in the one program that has its lines. */
  async #edit(diff: string): Promise<void> {
    const { before, after } = sidesOf(withMoreTime(diff));
    const isEdited = (file: string) => {
      const text = readFileSync(join(this.#copy.folder, file), "utf8");
      return text.includes(before);
    };
    const files = programFiles.filter(isEdited);
    assert.is(files.length, 1, `programs with these lines:\n${before}`);
    await this.#copy.replace(files[0]!, before, after);
  }

  /** Undoes edits, and asserts that none is left. */
  async #undo(command: string): Promise<void> {
    await this.#endServer();
    await this.#git(command.replace(/^git /, ""));
    assert.is(await this.#git("diff --name-only"), "", "edits are left");
  }

  async #git(args: string): Promise<string> {
    const git = $({ cwd: this.#copy.folder });
    const { stdout } = await git`git ${args.split(" ")}`;
    return stdout;
  }

  // Servers

  /** Ends the server before, starts this one, and waits until it listens. */
  async #startServer({ file, args }: ServerStep): Promise<void> {
    await this.#endServer();
    const program = await this.#start({ file, args });
    this.#server = { file, program: await listening(program) };
  }

  /**
   * Waits until all clients have exited, and the server as well; those that
   * keep running get Ctrl+C. Compares the server's output with that in the
   * section.
   */
  async #endServer(): Promise<void> {
    await this.#leave();
    for (const client of this.#clients) await client.exit();
    this.#clients = [];
    if (!this.#server) return;

    const { file, program } = this.#server;
    if (file !== singleClientServer) {
      const connections = program.printed().split("Connected by").length - 1;
      await printsTimes(program, "closed\n", connections);
      program.kill("SIGINT");
    }
    const isKilled = file === singleClientServer && this.#acceptsAgain();
    if (isKilled) program.kill("SIGINT");
    const { code } = await program.exit();
    const showsError = /^lecture1_server: /m.test(this.#serverOutput);
    if (!isKilled) assert.is(code, showsError ? 1 : 0, program.describe());
    if (this.#serverOutput) this.#expectPrinted([program], this.#serverOutput);
    this.#server = undefined;
    this.#serverOutput = "";
  }

  // Clients

  /** Runs the client program, once or more, and compares its output. */
  async #runClients({ commands, output }: ClientStep): Promise<void> {
    const clients: Launched[] = [];
    for (const command of commands) {
      const client = await this.#start(command);
      clients.push(client);
      this.#clients.push(client);
      if (this.#isServerOccupied()) await this.#leaveWhenClientWaits();
      // While this client waits for its echo, ss shows what it has sent.
      if (!this.#showsReceiveQueue()) await client.exit();
    }
    if (output) this.#expectPrinted(clients, output);
  }

  /**
   * Whether the learner's own connection is the only one that the server
   * accepts.
   */
  #isServerOccupied(): boolean {
    const isConnected = this.#keyboard !== undefined;
    return isConnected && this.#server?.file === singleClientServer;
  }

  /**
   * Waits until the message of one more client has arrived, then lets the
   * learner leave and the server exit. A client that has not sent its message
   * prints another error.
   */
  async #leaveWhenClientWaits(): Promise<void> {
    await eventually(async () => {
      const unread = unreadBytes(Number(this.#copy.port));
      const waiting = unread.filter((size) => size === "Hello, Server!".length);
      assert.is(waiting.length, 1, `unread bytes: ${unread.join(", ")}`);
    });
    if (this.#acceptsAgain()) await this.#leave();
    else await this.#endServer();
  }

  async #leave(): Promise<void> {
    this.#keyboard?.kill("SIGINT");
    await this.#keyboard?.exit();
    this.#keyboard = undefined;
  }

  /** Whether an edit makes the single-client server accept in a loop. */
  #acceptsAgain(): boolean {
    return this.#steps.some(
      (step) => step.kind === "edit" && step.diff.includes("+    while (true)"),
    );
  }

  #showsReceiveQueue(): boolean {
    return this.#steps.some(({ kind }) => kind === "receive queue");
  }

  /**
   * Connects by the long line of node -e. Types the line that the section
   * shows, waits for its echo, and stays connected. If the section shows none,
   * waits until the server closes the connection.
   */
  async #type({ code, output }: KeyboardStep): Promise<void> {
    const command = [process.execPath, "-e", this.#withOwnPorts(code)];
    const keyboard = launch(command, { messages: true });
    this.#keyboard = keyboard;
    if (!output) {
      await keyboard.exit();
      return;
    }
    const line = output.slice(0, output.indexOf("\n") + 1);
    keyboard.child.stdin!.write(line);
    await keyboard.until("its echo", () => keyboard.output.stdout === line);
    assert.is(output, line + line, "the line that is typed, and its echo");
  }

  async #runRobot({ code, output }: RobotStep): Promise<void> {
    const patientCode = withMoreTime(this.#withOwnPorts(code));
    const robot = launch([process.execPath, "-e", patientCode]);
    await robot.exit();
    if (output) this.#expectPrinted([robot], output);
  }

  /** Asserts that ss shows the queues that the section shows. */
  async #expectReceiveQueue(step: ReceiveQueueStep): Promise<void> {
    const command = this.#withOwnPorts(step.command).split(" ");
    await eventually(async () => {
      const { stdout } = await $`${command}`;
      if (queuesIn(stdout) !== queuesIn(step.output))
        throw new Error(`expected:\n${step.output}\nprinted:\n${stdout}`);
    });
  }

  // Programs

  async #start({ file, args }: ProgramCommand): Promise<Launched> {
    const command = await erasedCommand(join(this.#copy.folder, file));
    const ownArgs = args.map((arg) => this.#withOwnPorts(arg));
    return launch([...command, ...ownArgs]);
  }

  /**
   * Asserts that programs have printed what the section shows, except for
   * ports.
   */
  #expectPrinted(programs: Launched[], shown: string): void {
    const expected = streamsOf(this.#comparable(shown));
    for (const stream of ["stdout", "stderr"] as const) {
      const all = programs.map(({ output }) => output[stream]).join("");
      const printed = withoutChance(this.#comparable(all), shown);
      expectShown(expected[stream], printed);
    }
  }

  /** A text of the documents with the ports of this lesson. */
  #withOwnPorts(text: string): string {
    return text
      .replaceAll(lecturePort, this.#copy.port)
      .replaceAll(lectureRobotPort, this.#robotPort);
  }

  /**
   * A text of the documents or an output, with the servers' ports of the
   * documents and without the ports of clients, which differ in each run. The
   * ^C in the documents is the terminal's: no program prints it.
   */
  #comparable(text: string): string {
    return text
      .replaceAll(this.#copy.port, lecturePort)
      .replaceAll(this.#robotPort, lectureRobotPort)
      .replace(/(?<=\('127\.0\.0\.1', )\d+/g, "PORT")
      .replaceAll("^C", "");
  }
}

/** The lines before an edit, and those after it. */
function sidesOf(diff: string): { before: string; after: string } {
  const lines = diff.trimEnd().split("\n");
  const withoutMark = (line: string) => line.slice(1);
  const before = lines.filter((line) => !line.startsWith("+"));
  const after = lines.filter((line) => !line.startsWith("-"));
  return {
    before: before.map(withoutMark).join("\n"),
    after: after.map(withoutMark).join("\n"),
  };
}

/**
 * An edit or a robot's code with longer waits, since a busy machine may need
 * them: the echo has to arrive before the robot closes, and client and ss have
 * to run while the server sleeps.
 */
function withMoreTime(code: string): string {
  return code
    .replace("destroy(), 300)", "destroy(), 3000)")
    .replace("setTimeout(resolve, 2000)", "setTimeout(resolve, 4000)");
}

/**
 * The receive queue and the send queue of a connection, in bytes, as a table of
 * ss has them: "14 0"; undefined if it has no connection.
 */
function queuesIn(table: string): string | undefined {
  const row = /^ESTAB +(?<received>\d+) +(?<sent>\d+) +127\.0\.0\.1:/m;
  const queues = row.exec(table)?.groups;
  return queues && `${queues.received} ${queues.sent}`;
}

/**
 * The parts of a text that are for stdout and for stderr. A line for stderr
 * begins with the program's name.
 */
function streamsOf(shown: string): { stdout: string; stderr: string } {
  const errorLine = /^lecture1_.*\n/gm;
  return {
    stdout: shown.replace(errorLine, ""),
    stderr: (shown.match(errorLine) ?? []).join(""),
  };
}

/**
 * A client's output, without the pieces that it prints by chance. When the
 * server echoes in pieces, the client prints those that have arrived: the first
 * one, which the section shows, or more.
 */
function withoutChance(printed: string, shown: string): string {
  const firstPiece = "Received from server: Hell";
  if (shown !== `${firstPiece}\n`) return printed;
  return printed.replace(/(?<=^Received from server: Hell).+/, "");
}

/**
 * Asserts that an output is the one shown. A line with only … stands for lines
 * that are left out.
 *
 * @throws Error with both texts
 */
function expectShown(shown: string, printed: string): void {
  if (shown.includes("…\n")) expectQuote(shown, printed);
  else if (printed !== shown)
    throw new Error(`expected:\n${shown}\nprinted:\n${printed}`);
}
