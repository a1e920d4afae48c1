/**
 * Each program is one file without imports from the others, so the four repeat
 * some declarations. Here they are compared, since a fix in one has to be made
 * in all.
 */
import { readFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { projectFile } from "../scripts/project.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("repeated code");

/** The program that the others are compared with. */
const model = "lecture1_server";

/** Code that a program has, on purpose, instead of other code of the model. */
interface Difference {
  /** The code of the program; spaces and line ends don't matter. */
  has: string;
  /** The code of the model; "" if it has nothing there. */
  insteadOf: string;
}

/** A declaration of the model that other programs repeat. */
interface Repetition {
  /** How the declaration begins, up to its name. */
  declaration: string;
  /** The programs that repeat it, each with its differences. */
  programs: Record<string, Difference[]>;
}

/** The two servers have more to complain of than the model, by complain(). */
const complainsOfUsage: Difference = {
  has: "complain(`${mistake}; ${usage}`)",
  insteadOf: "console.error(`PROGRAM: ${mistake}; ${usage}`)",
};
const complainsOfError: Difference = {
  has: "complain(hint ? `${message}; ${hint}` : message)",
  insteadOf:
    "console.error(`PROGRAM: ${hint ? `${message}; ${hint}` : message}`)",
};

/**
 * The other two servers keep running when a client resets, or no longer
 * answers.
 */
const noAdviceForClients: Difference = {
  has: 'EPIPE: "the receiving',
  insteadOf: `
    ECONNRESET: "the client reset the connection",
    ETIMEDOUT: "the client no longer answers: check its cable, power and network",
    EHOSTUNREACH:
      "the client can't be reached: check its cable, power and network",
    ENETUNREACH: "the client can't be reached: check cables and network",
    EHOSTDOWN: "the client can't be reached: check its cable, power and network",
    ENETDOWN: "the client can't be reached: check cables and network",
    ECONNABORTED:
      "the client no longer answers: check its cable, power and network",
    EPIPE: "the receiving`,
};

/** The client's advice also depends on the call that failed. */
const adviceByPlace: Difference = {
  has: "adviceFor(error)",
  insteadOf: "advice[code]",
};

const repetitions: Repetition[] = [
  {
    declaration: "function print",
    programs: {
      lecture1_client: [],
      // The thread that prints waits until its line is written.
      lecture1_server_forever: [
        { has: ", callback?: () => void", insteadOf: "" },
        {
          has: "printUnchanged(shown, callback);",
          insteadOf: "process.stdout.write(shown);",
        },
      ],
      lecture1_server_forever_async: [
        {
          has: `
            lines ??= [];
            lines.push(shown);
            writing ??= writeLines();`,
          insteadOf: "process.stdout.write(shown);",
        },
      ],
    },
  },
  {
    declaration: "function isMain",
    programs: {
      lecture1_client: [],
      lecture1_server_forever: [],
      lecture1_server_forever_async: [],
    },
  },
  {
    declaration: "function parseFlags",
    programs: {
      // A message to send, and no port 0, to which no client can connect.
      lecture1_client: [
        { has: "[--port PORT] [--message TEXT]", insteadOf: "[--port PORT]" },
        { has: 'message: { type: "string" },', insteadOf: "" },
        { has: "{ host, message }", insteadOf: "{ host }" },
        { has: "port >= 1 && ", insteadOf: "" },
        {
          has: `
            throw new Error("--host must not be empty, --port must be 1 to 65535");`,
          insteadOf: `
            throw new Error(
              "--host must not be empty, --port must be 0 (any free) to 65535",
            );`,
        },
        {
          has: `
            if (message === "")
              throw new Error("--message must not be empty");`,
          insteadOf: "",
        },
        { has: "{ host, port, message }", insteadOf: "{ host, port }" },
      ],
      lecture1_server_forever: [complainsOfUsage],
      lecture1_server_forever_async: [complainsOfUsage],
    },
  },
  {
    declaration: "const advice",
    programs: {
      lecture1_server_forever: [noAdviceForClients],
      lecture1_server_forever_async: [noAdviceForClients],
    },
  },
  {
    declaration: "function fail",
    programs: {
      lecture1_client: [adviceByPlace],
      lecture1_server_forever: [complainsOfError],
      lecture1_server_forever_async: [complainsOfError],
    },
  },
  {
    declaration: "function firstSentence",
    programs: {
      lecture1_client: [],
      lecture1_server_forever: [],
      lecture1_server_forever_async: [],
    },
  },
  {
    declaration: "function typeName",
    programs: { lecture1_client: [], lecture1_server_forever_async: [] },
  },
];

/**
 * The code of a declaration, from its name to its end, in one line, with
 * PROGRAM for the program's name.
 *
 * @throws Error when the program has no such declaration
 */
async function codeOf(program: string, declaration: string): Promise<string> {
  const text = await readFile(projectFile(`${program}.ts`), "utf8");
  const lines = text.split(/\r?\n/);
  const first = lines.findIndex((line) => {
    return (
      line.startsWith(`${declaration}(`) || line.startsWith(`${declaration}:`)
    );
  });
  if (first === -1) throw new Error(`${program} has no ${declaration}`);

  const length =
    lines.slice(first).findIndex((line) => /^\};?$/.test(line)) + 1;
  const code = lines.slice(first, first + length).join("\n");
  return inOneLine(code.replaceAll(program, "PROGRAM"));
}

/** Code without its line ends, which prettier sets by the length of names. */
function inOneLine(code: string): string {
  return code.trim().replace(/\s+/g, " ");
}

/** Code in one line a statement, so that a failed test shows which differs. */
function inStatements(code: string): string {
  return code.replaceAll("; ", ";\n");
}

/**
 * Code with what the model has instead of a difference.
 *
 * @throws Error when the code doesn't have the difference: it has to go from
 *   the list above
 */
function withoutDifference(code: string, difference: Difference): string {
  const has = inOneLine(difference.has);
  if (!code.includes(has)) throw new Error(`no longer there: ${has}`);
  return inOneLine(code.replace(has, () => inOneLine(difference.insteadOf)));
}

for (const { declaration, programs } of repetitions)
  for (const [program, differences] of Object.entries(programs))
    test(`${declaration} of ${program}`, async () => {
      let code = await codeOf(program, declaration);
      for (const difference of differences)
        code = withoutDifference(code, difference);

      const modelCode = await codeOf(model, declaration);
      assert.is(inStatements(code), inStatements(modelCode));
    });

test.run();
