/** What a section of the documents tells a learner to do, as steps. */
import { programFiles } from "../../scripts/copyProject.ts";
import type { Section } from "./documents.ts";

/** One of the four programs, as a command starts it: npx tsx FILE ARGS. */
export interface ProgramCommand {
  file: string;
  args: string[];
}

/** A server in a terminal of its own. Its output is in a later step. */
export interface ServerStep extends ProgramCommand {
  kind: "server";
}

/** The client, once or more, one run after the other. */
export interface ClientStep {
  kind: "client";
  commands: ProgramCommand[];
  /** What the section shows below the commands; "" if nothing. */
  output: string;
}

/** The long line of node -e that makes the learner a client. */
export interface KeyboardStep {
  kind: "keyboard";
  /** The JavaScript after node -e. */
  code: string;
  /**
   * The line that the learner types, and its echo; "" if the learner types
   * nothing.
   */
  output: string;
}

/** A line of node -e that sends what a robot sends. */
export interface RobotStep {
  kind: "robot";
  code: string;
  /** What the section shows below the command; "" if nothing. */
  output: string;
}

/** ss, which shows the receive queue of a connection. */
export interface ReceiveQueueStep {
  kind: "receive queue";
  command: string;
  /** The table that the section shows. */
  output: string;
}

/** An edit of one of the programs. */
export interface EditStep {
  kind: "edit";
  diff: string;
}

/** git restore, which undoes the edits of some programs. */
export interface UndoStep {
  kind: "undo";
  command: string;
}

/** The whole output of the server, until it exits. */
export interface ServerOutputStep {
  kind: "server output";
  output: string;
}

export type Step =
  | ServerStep
  | ClientStep
  | KeyboardStep
  | RobotStep
  | ReceiveQueueStep
  | EditStep
  | UndoStep
  | ServerOutputStep;

/** Whether a section has a command that can be tried here. */
export function hasCommands({ blocks }: Section): boolean {
  const shells = blocks.filter(({ language }) => language === "sh");
  return shells.some(({ text }) => commandsOf(text).length > 0);
}

/**
 * The steps of a section, in its order.
 *
 * @throws Error when it has a command or an output of no known kind
 */
export function stepsOf({ blocks }: Section): Step[] {
  const steps: Step[] = [];
  for (const [index, { language, text }] of blocks.entries())
    switch (language) {
      case "diff":
        steps.push({ kind: "edit", diff: text });
        break;
      case "sh": {
        const next = blocks[index + 1];
        const isOutput =
          next?.language === "text" && !isServerOutput(next.text);
        const output = isOutput ? next.text : "";
        const commands = commandsOf(text);
        if (commands.length > 0) steps.push(commandStep(commands, output));
        break;
      }
      case "text": {
        const isBelowCommand = blocks[index - 1]?.language === "sh";
        if (isServerOutput(text))
          steps.push({ kind: "server output", output: text });
        else if (!isBelowCommand)
          throw new Error(`an output without a command:\n${text}`);
      }
    }
  return steps;
}

/** Every server begins with this line; the output of no other command does. */
function isServerOutput(text: string): boolean {
  return text.startsWith("Server listening");
}

/** The commands of a block, except for those that aren't tried here. */
function commandsOf(text: string): string[] {
  // A learner needs the first ones only once; other tests run the scripts.
  const notTried = /^(cd|git clone|node --version|npm|npx tsx scripts\/)/;
  const lines = text.trimEnd().split("\n");
  return lines.filter((line) => !notTried.test(line));
}

/**
 * The step of one block of commands.
 *
 * @param output what the section shows below the block; "" if nothing
 */
function commandStep(commands: string[], output: string): Step {
  const [command = ""] = commands;
  if (command.startsWith("npx tsx lecture1_client.ts"))
    return { kind: "client", commands: commands.map(programCommand), output };

  if (commands.length > 1)
    throw new Error(`more than one command:\n${commands.join("\n")}`);
  if (command.startsWith("git restore ")) return { kind: "undo", command };
  if (command.startsWith("ss "))
    return { kind: "receive queue", command, output };
  if (command.startsWith("node -e ")) {
    const code = command.slice('node -e "'.length, -'"'.length);
    const readsKeyboard = code.includes("process.stdin");
    return { kind: readsKeyboard ? "keyboard" : "robot", code, output };
  }
  return { kind: "server", ...programCommand(command) };
}

function programCommand(command: string): ProgramCommand {
  const [npx, tsx, file = "", ...args] = command.split(" ");
  if (npx !== "npx" || tsx !== "tsx" || !programFiles.includes(file))
    throw new Error(`unknown command: ${command}`);
  return { file, args };
}
