/**
 * compare as a user runs it: in a narrow terminal, where few files can be open.
 */
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import * as assert from "uvu/assert";
import { suite } from "./helpers/harness.ts";
import { noTerminal } from "./helpers/machine.ts";
import { nodeCommand } from "./helpers/programs.ts";
import { openTerminal } from "./helpers/pseudoTerminal.ts";

const test = suite("compare in a narrow terminal");
const inTerminal = test.unless(noTerminal);

const columns = 50;

/** A run of compare that has exited. */
interface FinishedRun {
  exitCode: number | null;
  /** All that was written to the screen. */
  screen: string;
  /** The same without colors, and with wrapped lines joined. */
  text: string;
}

async function runCompare(): Promise<FinishedRun> {
  const [node, file] = nodeCommand("scripts/compare.ts");
  const options = "--only async -n 1 --load 0.1 --grow --lang ko";
  const terminal = openTerminal(
    `TERM=xterm '${node}' '${file}' ${options}`,
    `ulimit -n 70; stty cols ${columns}`,
  );
  const exitCode = await terminal.exit(60_000);
  const screen = terminal.screen();
  const text = stripVTControlCharacters(screen).replaceAll(/\n {2}/g, " ");
  return { exitCode, screen, text };
}

let run: Promise<FinishedRun> | undefined;

/** The run that all tests look at: it takes seconds, so there is one only. */
function finishedRun(): Promise<FinishedRun> {
  run ??= runCompare();
  return run;
}

inTerminal("it succeeds", async () => {
  const { exitCode, screen } = await finishedRun();

  assert.is(exitCode, 0, screen);
});

inTerminal("while it runs, it shows the step", async () => {
  const { screen } = await finishedRun();

  assert.match(screen, /^[^\n]*\r[^\r]*하나씩 차례로/);
});

inTerminal("no line is wider than the terminal", async () => {
  const { screen } = await finishedRun();

  for (const line of screen.split(/[\r\n]+/)) {
    const width = stringWidth(stripVTControlCharacters(line));
    assert.ok(width <= columns, line);
  }
});

inTerminal("a client is answered while another client stays", async () => {
  const { text } = await finishedRun();

  assert.match(text, /1개 모두 [^]*[\d.]+ ms 안에/);
});

inTerminal("connections that need too many files are skipped", async () => {
  const { text } = await finishedRun();

  assert.match(
    text,
    /async: 클라이언트 \d+개부터는 부하 테스트를 생략함: [^]*EMFILE/,
  );
});

inTerminal("the memory of one more client is reported", async () => {
  const { text } = await finishedRun();

  assert.match(text, /하나 늘 때마다 – async: \S+ MB/);
});

inTerminal("the table has a row for 20 connections", async () => {
  const { text } = await finishedRun();

  assert.match(text, /│ {3}연결 20개 +│ [\d.]+ µs/);
});

test.run();
