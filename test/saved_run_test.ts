/**
 * Runs that compare has saved: which are read, and what is said about others.
 */
import { readFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { parseRun } from "../scripts/compare/savedRun.ts";
import type { Run } from "../scripts/compare/result.ts";
import { projectFile } from "../scripts/project.ts";
import { suite } from "./helpers/harness.ts";
import { aRun, besidePython, serverOf } from "./helpers/runs.ts";

const test = suite("saved runs");

const json = JSON.stringify(aRun(), null, 2);
const utf16 = Buffer.from(`\ufeff${json}`, "utf16le");

interface Encoded {
  title: string;
  bytes: Buffer;
}

const encodings: Encoded[] = [
  { title: "UTF-8", bytes: Buffer.from(json) },
  {
    title: "UTF-8 with a byte order mark",
    bytes: Buffer.from(`\ufeff${json}`),
  },
  { title: "UTF-16, as PowerShell writes it", bytes: utf16 },
  { title: "big-endian UTF-16", bytes: Buffer.from(utf16).swap16() },
];

for (const { title, bytes } of encodings)
  test(`read: ${title}`, async () => {
    assert.equal(parseRun(bytes), aRun());
  });

test("read: a run beside Python's originals", async () => {
  const bytes = Buffer.from(JSON.stringify(besidePython()));

  assert.equal(parseRun(bytes), besidePython());
});

test("read: a run with failures, on a system without signals", async () => {
  const run = aRun({ stoppedSeconds: 12, missing: ["lecture1_client.py"] });
  serverOf(run, "server").ctrlC = "not on this system";
  serverOf(run, "forever").growthEnd = {
    connections: 50,
    trouble: "memory",
    detail: "",
  };
  serverOf(run, "async").failure = {
    step: "Ctrl+C",
    trouble: "goesOn",
    detail: "10 s",
    lastLines: ["the end"],
  };

  assert.equal(parseRun(Buffer.from(JSON.stringify(run))), run);
});

test("read: the run in the documents", async () => {
  const { servers } = parseRun(
    await readFile(projectFile("docs/compare.json")),
  );

  assert.is(servers.length, 3);
});

test("refused: an empty file", async () => {
  assert.throws(() => parseRun(Buffer.from("")), /JSON/);
});

test("refused: a file that was cut off", async () => {
  assert.throws(() => parseRun(Buffer.from(json.slice(0, -20))), /JSON/);
});

test("refused: JSON that is no run", async () => {
  assert.throws(() => parseRun(Buffer.from("null")), /version/);
});

/** The message about bytes that are no whole run of this version. */
function refusalOf(bytes: Buffer): string {
  try {
    parseRun(bytes);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the run is accepted");
}

test("refused: a run of an older version", async () => {
  const bytes = Buffer.from(JSON.stringify({ ...aRun(), version: 1 }));

  assert.is(refusalOf(bytes), "the run is of another version");
});

/** A run in which one field is changed. JSON leaves out what is undefined. */
interface Damage {
  message: string;
  damage: (run: any) => void;
}

const damages: Damage[] = [
  {
    message: "the run is of another version",
    damage(run) {
      run.version = undefined;
    },
  },
  {
    message: "run.machine.cores is missing",
    damage(run) {
      run.machine.cores = undefined;
    },
  },
  {
    message: "run.date is no date",
    damage(run) {
      run.date = "yesterday";
    },
  },
  {
    message: "run.tookSeconds is missing",
    damage(run) {
      run.tookSeconds = undefined;
    },
  },
  {
    message: "run.options.grow is no boolean",
    damage(run) {
      run.options.grow = "yes";
    },
  },
  {
    message: "run.servers is no list",
    damage(run) {
      run.servers = {};
    },
  },
  {
    message: "run.servers[0] is no object",
    damage(run) {
      run.servers[0] = null;
    },
  },
  {
    message: "run.servers[1].design is no value of this field",
    damage(run) {
      run.servers[1].design = "robot";
    },
  },
  {
    message: "run.servers[1].growth[0].windows is missing",
    damage(run) {
      run.servers[1].growth[0].windows = undefined;
    },
  },
  {
    message: "run.servers[1].idle.perClientMB is no number",
    damage(run) {
      run.servers[1].idle.perClientMB = NaN;
    },
  },
  {
    message: "run.servers[0].stay.clients[0].outcome is no value of this field",
    damage(run) {
      run.servers[0].stay.clients[0].outcome = "lost";
    },
  },
  {
    message: "run.servers[2].stay.clients[1].outcome is missing",
    damage(run) {
      run.servers[2].stay.clients[1].outcome = undefined;
    },
  },
  {
    message: "run.servers[2].stay.clients[1].connectedMs is missing",
    damage(run) {
      run.servers[2].stay.clients[1].connectedMs = undefined;
    },
  },
  {
    message: "run.servers[1].ctrlC.exit is missing",
    damage(run) {
      run.servers[1].ctrlC.exit = undefined;
    },
  },
  {
    message: "run.servers[1].ctrlC.exit.code is missing",
    damage(run) {
      run.servers[1].ctrlC.exit.code = undefined;
    },
  },
  {
    message: "run.missing[0] is no text",
    damage(run) {
      run.missing[0] = 7;
    },
  },
];

for (const { message, damage } of damages)
  test(`refused: ${message}`, async () => {
    const run: Run = aRun();
    damage(run);
    const bytes = Buffer.from(JSON.stringify(run));

    assert.is(refusalOf(bytes), message);
  });

test.run();
