/** The pages of compare and packets, in a real browser: what they show, and that one can read it. */
import { chmod, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import * as assert from "uvu/assert";
import { parseOptions as parseCompare } from "../scripts/compare/options.ts";
import { comparePage } from "../scripts/compare/page.ts";
import type {
  Comparison,
  CtrlC,
  ServerResult,
} from "../scripts/compare/result.ts";
import { answer, whosePrice } from "../scripts/compare/sentences.ts";
import { texts as compareTexts } from "../scripts/compare/texts.ts";
import { projectFile } from "../scripts/processes.ts";
import { languages } from "../scripts/old/language.ts";
import { callsOf, heldOf } from "../scripts/packets/activity.ts";
import { parseOptions as parsePackets } from "../scripts/packets/options.ts";
import { packetsPage } from "../scripts/packets/page.ts";
import type { Recording } from "../scripts/packets/recording.ts";
import { nameOf, rowsOf } from "../scripts/packets/rows.ts";
import { captureOf, recordingOf, shipped } from "../scripts/packets/shipped.ts";
import { texts as packetsTexts } from "../scripts/packets/texts.ts";
import { openInBrowser } from "../scripts/old/page/open.ts";
import { hasBrowser, startBrowser } from "./chromium.ts";
import { fixed } from "./fixed.ts";
import { recordedRun } from "./recordedLadder.ts";
import {
  launchMarked,
  notLinux,
  program,
  suite,
  temporaryFolder,
} from "./harness.ts";

const test = suite("pages");

/** The biggest that a page may be, in bytes. */
const most = 500_000;

const recorded = async (name: string) => recordingOf(await shipped(name));

// ---- In the browser -------------------------------------------------------

let browser: Browser | undefined;
let tab: Page | undefined;
/** What the page in the tab has asked for, or said on the console. */
const noises: string[] = [];
test.after(() => browser?.close());

async function newTab(): Promise<Page> {
  browser = await startBrowser();
  const tab = await browser.newPage();
  tab.on("console", (message) => noises.push(message.text()));
  tab.on("pageerror", (error) => noises.push(error.message));
  tab.on("request", (request) => noises.push(request.url()));
  return tab;
}

/** Opens a page, as a file. */
async function open(html: string): Promise<Page> {
  tab ??= await newTab();
  const file = join(await temporaryFolder(), "a page.html");
  await writeFile(file, html);
  await tab.emulateMedia({ media: "screen" });
  noises.length = 0;
  await tab.goto(pathToFileURL(file).href);
  return tab;
}

const inBrowser = projectFile("test/inBrowser.js");
const schemes = ["light", "dark"] as const;

/** Looks at a page on a wall and on a phone, light and dark, and on paper. */
async function checkLook(html: string): Promise<void> {
  assert.ok(Buffer.byteLength(html) < most, `${html.length} bytes`);
  const page = await open(html);
  assert.equal(noises, [page.url()], "it is silent, and asks for nothing");
  await page.addScriptTag({ path: inBrowser });
  for (const width of [1280, 400]) {
    await page.setViewportSize({ width, height: 800 });
    assert.equal(await page.evaluate("findMisplaced()"), [], `at ${width}`);
  }
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    assert.equal(await page.evaluate("findPale()"), [], colorScheme);
  }
  await page.emulateMedia({ media: "print" });
  const [width, height] = [703, 1017]; // A4 without its margins
  await page.setViewportSize({ width, height });
  assert.equal(await page.evaluate(`findCut(${height})`), [], "cut on paper");
  const paper = "getComputedStyle(document.body).backgroundColor";
  assert.is(await page.evaluate(paper), "rgb(255, 255, 255)");
}

/** Asks axe for what keeps a page from being read by all, light and dark. */
async function checkAccess(html: string): Promise<void> {
  const page = await open(html);
  await page.addScriptTag({ content: axe.source });
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    const all = "axe.run()";
    const contrast = 'axe.run({ runOnly: ["color-contrast"] })';
    const { violations } = await page.evaluate<axe.AxeResults>(
      colorScheme === "light" ? all : contrast,
    );
    const said = violations.map(({ id, nodes }) => [id, nodes[0]!.html]);
    assert.equal(said, [], colorScheme);
  }
}

const withBrowser = test.unless(!hasBrowser && "no /usr/bin/chromium");

for (const lang of languages)
  withBrowser(`compare, ${lang}: reads well everywhere`, async () => {
    await checkLook(await comparePage(fixed(), lang));
  });

withBrowser("compare: 6 servers, many clients", async () => {
  await checkLook(await comparePage(large(), "ko"));
});

// What the others show is drawn here as well.
for (const [lang, names] of [
  ["en", ["hello", "recv4", "lossy", "refused"]],
  ["ko", ["long", "reset", "async", "sleep"]],
] as const)
  for (const name of names)
    withBrowser(
      `packets, ${name}, ${lang}: reads well everywhere`,
      async () => {
        const recording = await recorded(name);
        await checkLook(await packetsPage(recording, lang, "note"));
      },
    );

withBrowser("axe finds nothing", async () => {
  await checkAccess(await comparePage(fixed(), "en"));
  await checkAccess(await packetsPage(await recorded("refused"), "ko"));
});

withBrowser(
  "it prints: every part on paper, nothing that only folds open",
  async () => {
    const page = await open(await comparePage(fixed(), "en"));
    await page.emulateMedia({ media: "print" });
    const pdf = (await page.pdf({ preferCSSPageSize: true })).toString(
      "latin1",
    );
    const sheets = pdf.match(/\/Type \/Page\b/g)?.length ?? 0;
    assert.ok(sheets >= 3 && sheets <= 6, `${sheets} sheets`);
  },
);

// ---- What they show -------------------------------------------------------

/** Six servers, of which the Python ones are as fast as the others, and more clients than rows. */
function large(): Comparison {
  const comparison = fixed();
  const python = structuredClone(comparison.servers).map((server) => ({
    ...server,
    file: server.file.replace("/lecture/", "/my lecture/"),
    language: "Python" as const,
  }));
  comparison.servers = comparison.servers.flatMap((server, index) => [
    python[index]!,
    server,
  ]);
  for (const { stay } of comparison.servers)
    stay!.clients = Array.from({ length: 60 }, (_, index) => ({
      ...stay!.clients[0]!,
      startedMs: index,
    }));
  return comparison;
}

/** Whether a text stands in a page outside of what is folded in. */
function shows(html: string, text: string): boolean {
  const [open = ""] = html.split("<details>");
  const entities: Record<string, string> = {
    "&quot;": '"',
    "&lt;": "<",
    "&gt;": ">",
    "&#160;": " ",
  };
  return open
    .replaceAll(/<\/?span[^>]*>/g, "")
    .replaceAll(/&[a-z#0-9]+;/g, (entity) => entities[entity] ?? entity)
    .includes(text);
}

test("compare: every number of the JSON that a chart shows", async () => {
  const html = await comparePage(fixed(), "en");
  const exact: string[] = [];
  for (const { stay, load, idle, growth, ctrlC, design } of fixed().servers) {
    exact.push(`${stay!.leftMs.toFixed(1)} ms`);
    for (const run of stay!.clients)
      for (const ms of [run.startedMs, run.connectedMs!, run.reportedMs!])
        exact.push(`at ${ms.toFixed(1)} ms`);
    const { lastEchoMs, disconnectedMs, leftMs, exitMs } = ctrlC as CtrlC;
    for (const ms of [lastEchoMs, disconnectedMs, leftMs, exitMs])
      if (ms !== undefined) exact.push(`, ${ms.toFixed(1)} ms`);
    if (design === "server") continue; // one client at a time
    for (const ms of [
      load!.p50Ms,
      load!.p90Ms,
      load!.p99Ms,
      load!.oldestWaitMs,
    ])
      exact.push(`: ${ms.toFixed(3)} ms`);
    exact.push(
      idle!.perClientMB.toFixed(2),
      idle!.perClientThreads!.toFixed(2),
    );
    for (const { echoesPerSecond } of [load!, ...load!.windows])
      exact.push(echoesPerSecond.toFixed(2));
    for (const one of growth!)
      for (const number of [one.echoesPerSecond, one.p99Ms, one.memoryWithMB!])
        exact.push(`(${number.toFixed(3)})`);
  }
  assert.ok(exact.length > 60);
  for (const number of exact) assert.ok(shows(html, number), number);
});

test("every picture says what it shows to those who can't see it", async () => {
  const pages = [
    await comparePage(fixed(), "en"),
    await packetsPage(await recorded("hello"), "en"),
  ];
  for (const html of pages) {
    const tags = html.match(/<svg[^>]*>|<div class="sequence"[^>]*>/g)!;
    for (const tag of tags) {
      const named = /role="img"/.test(tag) && /aria-label="[^"]{6,}"/.test(tag);
      const inNamed = /aria-hidden="true"/.test(tag);
      assert.ok(named || inNamed, tag);
    }
  }
});

test("compare: answer, notes, table, command and JSON", async () => {
  const comparison = large();
  comparison.options.grow = true;
  comparison.missing = ["x.py"];
  for (const lang of languages) {
    const html = await comparePage(comparison, lang);
    const words = compareTexts[lang];
    const all = [
      ...answer(comparison, words),
      ...whosePrice(comparison, words),
    ];
    for (const said of all) assert.ok(shows(html, said), said);
    assert.ok(shows(html, words.notes.missing("x.py")));
    assert.ok(shows(html, words.rows.firstEcho.trim()));
    assert.ok(
      shows(html, "40 more") || shows(html, "40개"),
      "clients without a row",
    );
    assert.ok(
      shows(html, 'compare.ts -n 2 --grow --python "/my lecture"</pre>'),
      "the command",
    );
    assert.match(html, /"echoesPerSecond": 30000/);
    assert.match(html, new RegExp(`<html lang="${lang}">`));
  }
});

test("a run that lacks what newer ones have, and one that failed", async () => {
  const old = fixed();
  for (const server of old.servers) {
    for (const run of server.stay!.clients) {
      delete run.connectedMs;
      delete run.reportedMs;
    }
    server.ctrlC = "not on this system";
    delete server.idle?.perClientThreads;
    for (const load of [server.load!, ...server.growth!])
      for (const name of ["windows", "p90Ms", "p99Ms", "memoryWithMB"] as const)
        delete (load as Partial<typeof load>)[name];
  }
  const bare = fixed();
  for (const server of bare.servers) {
    const { design, language, file } = server;
    const left: (keyof ServerResult)[] = [
      "design",
      "language",
      "file",
      "transcript",
    ];
    for (const name of Object.keys(server) as (keyof ServerResult)[])
      if (!left.includes(name)) delete server[name];
    const failure = { step: "idle clients", message: "gone", lastLines: [] };
    Object.assign(server, { design, language, file, failure });
  }
  for (const comparison of [old, bare])
    for (const lang of languages) {
      const html = await comparePage(comparison, lang);
      assert.not.match(html, /NaN|undefined|Infinity/);
    }
  assert.ok(shows(await comparePage(bare, "en"), "FAILED at"));
});

test("hundreds of clients: the page stays small, and says where the JSON is", async () => {
  const comparison = large();
  for (const { stay } of comparison.servers)
    stay!.clients = Array(500).fill(stay!.clients[0]);
  const html = await comparePage(comparison, "en");
  assert.ok(Buffer.byteLength(html) < most, `${html.length} bytes`);
  assert.ok(shows(html, "--json FILE writes them"));
});

test("packets: every packet with its numbers, every line, every text", async () => {
  for (const name of ["hello", "lossy", "reset"]) {
    const recording = await recorded(name);
    const html = await packetsPage(recording, "en", "note here");
    for (const { timeMs, seq, ack, length, flags, lost } of recording.packets) {
      assert.ok(shows(html, `${timeMs.toFixed(3)}`));
      assert.ok(
        shows(
          html,
          `seq=${seq}${ack === undefined ? "" : ` ack=${ack}`}${length ? ` len=${length}` : ""}`,
        ),
      );
      assert.ok(shows(html, flags.join(", ")));
      if (lost) assert.ok(shows(html, packetsTexts.en.page.lost));
    }
    assert.ok(shows(html, "packets, ") && shows(html, "note here"));
    for (const { text } of recording.lines) assert.ok(html.includes(text));
  }
});

test("packets: hundreds of packets, and a megabyte: it shows the beginning", async () => {
  const recording = await recorded("hello");
  const [last] = recording.packets.slice(-1);
  for (let i = 0; i < 500; i++)
    recording.packets.push({ ...last!, timeMs: 30 + i, text: "x".repeat(1e5) });
  const html = await packetsPage(recording, "en");
  assert.ok(Buffer.byteLength(html) < most, `${html.length} bytes`);
  assert.ok(html.includes("These are the first 80 of 514 packets and lines"));
});

test("packets: a hundred clients at one moment: the first of them, two by name", async () => {
  const recording = await recorded("hello");
  const [first] = recording.packets;
  const numbers = Array.from({ length: 100 }, (_, index) => index + 1);
  recording.lines = [];
  recording.packets = numbers.map((connection) => ({ ...first!, connection }));
  recording.connections = numbers.map((number) => ({
    ...recording.connections[0]!,
    client: `127.0.0.1:${50_000 + number}`,
  }));
  const html = await packetsPage(recording, "en");
  assert.ok(html.includes(">1: 127.0.0.1:50001  2: 127.0.0.1:50002  …<"));
  const kept = html.match(/(?<="client": "127.0.0.1:)\d+/g)!;
  assert.is(kept.at(-1), "50080");
});

test("packets: times are drawn to scale where there is room, else evenly", async () => {
  for (const name of ["hello", "sleep"]) {
    const recording = await recorded(name);
    const words = { columns: 26, below: false };
    const { rows, scale } = rowsOf(recording, packetsTexts.en, words, 0);
    const lastMs = recording.packets.at(-1)!.timeMs;
    for (const [index, next] of rows.slice(1).entries()) {
      const { y, below, timeMs, toScale } = rows[index]!;
      const least = below + next.above;
      const pixels = (next.timeMs - timeMs) * scale.pixelsPerMs;
      const inside = timeMs >= 0 && next.timeMs <= lastMs;
      const expected = inside && pixels > least ? pixels : least;
      assert.ok(Math.abs(next.y - y - expected) <= 1, `${name}: ${timeMs}`);
      assert.is(toScale ?? false, expected === pixels, `${name}: ${timeMs}`);
      if (next.timeMs - timeMs > 1500 && inside)
        assert.ok(pixels > 300, "two seconds are long");
    }
  }
});

test("packets: what is lost never lies unread, and ends half-way", async () => {
  const recording = await recorded("hello");
  const whole = heldOf(recording);
  const message = recording.packets.find(({ length }) => length)!;
  const lost = { ...message, timeMs: 3, lost: true as const };
  recording.packets.splice(recording.packets.indexOf(message), 0, lost);
  assert.equal(heldOf(recording), whole);
  const html = await packetsPage(recording, "en");
  const cross = /<g[^>]*var\(--rst\)[^>]*><path[^>]*translate\((\d+)/;
  const [, x] = cross.exec(html)!;
  assert.ok(Number(x) > 400 && Number(x) < 600, `the cross is at ${x}`);
});

test("packets: a page can't be driven by what was sent", async () => {
  const recording = await recorded("hello");
  const evil = "</svg><script>alert(1)</script>&\u202e";
  recording.packets[3]!.text = evil;
  recording.lines[1]!.text = evil;
  const html = await packetsPage(recording, "en", evil);
  assert.not.match(html, /<script/);
  assert.match(html, /\\u202e/);
});

test("packets: which call each script is in, and which bytes lie unread", async () => {
  const calls = (recording: Recording) =>
    callsOf(recording).map(({ from, name, startMs, endMs, readyMs }) =>
      [from, name, startMs, endMs, readyMs]
        .filter((part) => part !== undefined)
        .join(" "),
    );
  assert.equal(calls(recordedRun), [
    "client connect 0 0.562 0.014",
    "client recv 0.562 3.54 2.134",
    "client close 3.54 4.28",
    "server accept -271.011 0.85 0.026",
    "server recv 0.85 2.008 0.85",
    "server sendall 2.008 2.134",
    "server recv 2.134 5.124 4.28",
  ]);
});

test("packets: who does something else first is not said to be in recv", async () => {
  const calls = callsOf(await recorded("sleep"));
  const server = calls.filter(({ from }) => from === "server");
  assert.equal(
    server.map((call) => nameOf(call, packetsTexts.en)),
    ["in accept", "not read yet", "in sendall", "in recv"],
  );
});

test("packets: bytes lie unread until the script says that it has read them", async () => {
  const held = async (name: string) =>
    heldOf(await recorded(name)).map(
      ({ at, connection, bytes }) => `${at} ${connection}: ${bytes}`,
    );
  const all = await held("recv4");
  const server = [14, 10, 6, 2].map((bytes) => `server 1: ${bytes}`);
  assert.equal(
    all.filter((said) => said.startsWith("server")),
    server,
  );
  // How many pieces of the echo come before the client reads is chance.
  assert.ok(all.includes("client 1: 4"), all.join());
  assert.equal(await held("reset"), ["server 2: 14"]);
  assert.equal(await held("lossy"), [], "a saved capture doesn't tell");
  const [, , , last] = heldOf(await recorded("long")).filter(
    ({ at }) => at === "server",
  );
  assert.is(last!.bytes, 928);
});

test("packets: what the server prints tells how many bytes it has read, or nothing does", async () => {
  const recording = await recorded("recv4");
  const message = recording.packets.find(({ length }) => length)!;
  const reads = recording.lines.filter(
    ({ from, text }) => from === "server" && text.startsWith("Received"),
  );
  /** The bytes that lie at the server, before the first of these lines and after each. */
  function left(text: string, ...printed: string[]) {
    const packet = { ...message, text, length: Buffer.byteLength(text) };
    const lines = printed.flatMap((all, index) =>
      `Received: ${all}`
        .split("\n")
        .map((text) => ({ ...reads[index]!, text })),
    );
    const packets = recording.packets.with(
      recording.packets.indexOf(message),
      packet,
    );
    const all = heldOf({ ...recording, packets, lines });
    return all.flatMap(({ at, bytes }) => (at === "server" ? [bytes] : []));
  }
  assert.equal(left("\x07ab\\x07", "\\x07ab", "\\x07"), [7, 4]);
  assert.equal(left("\x9bab\t", "\\x9ba", "b\t"), [5, 2]);
  assert.equal(left("a\n\nbcd\n", "a\nb", "cd"), [7, 3]);
  assert.equal(left("안녕 a", "안녕", " a"), [8, 2]);
  // A character or a line's end that recv may have cut, or read.
  assert.equal(left("a안녕", "a안", "녕"), [7, undefined]);
  assert.equal(left("a\nb c", "a", "\nb", " c"), [5, undefined, undefined]);
  assert.equal(left("안녕ab", "안\ufffd", "\ufffda"), [8, undefined]);
  assert.equal(left("\ufffdabc", "\ufffd", "a"), [6, undefined, undefined]);
  assert.equal(left("abcd", "2 bytes", "2 bytes"), [4]);
});

// ---- The command line -----------------------------------------------------

function start(script: string, args: string[], env: NodeJS.ProcessEnv = {}) {
  return launchMarked([...program(`scripts/${script}.ts`), ...args], env);
}

test("--html from a saved run and a saved capture, beside the JSON", async () => {
  const folder = await temporaryFolder();
  const [run, html] = [join(folder, "run.json"), join(folder, "page.html")];
  await writeFile(run, JSON.stringify(fixed()));
  const compare = start("compare", [
    "--from",
    run,
    "--html",
    html,
    "--json",
    "-",
    "--lang",
    "ko",
  ]);
  assert.is((await compare.exit(30_000)).code, 0, compare.report());
  assert.equal(JSON.parse(compare.output.stdout), fixed());
  assert.is(await readFile(html, "utf8"), await comparePage(fixed(), "ko"));

  const args = ["--read", captureOf("lossy"), "--html", html, "--lang", "en"];
  const packets = start("packets", args);
  assert.is((await packets.exit(30_000)).code, 0, packets.report());
  assert.match(packets.output.stdout, /retransmission/);
  assert.ok(shows(await readFile(html, "utf8"), "Not confirmed in"));
});

test.unless(notLinux)(
  "--open gives the page to the system; where that can't, it says what to do",
  async () => {
    const folder = await temporaryFolder();
    const [html, opened] = [
      join(folder, "a page.html"),
      join(folder, "opened"),
    ];
    const { PATH = "" } = process.env;
    const path = `${folder}${delimiter}${PATH}`;
    async function opener(ends: string) {
      const file = join(folder, "xdg-open");
      await writeFile(file, `#!/bin/sh\necho "$1" > "${opened}"\n${ends}\n`);
      await chmod(file, 0o755);
    }
    process.env.PATH = path;
    try {
      for (const ends of ["exit 0", "sleep 5"]) {
        await opener(ends);
        await openInBrowser(html);
        assert.is(await readFile(opened, "utf8"), `${html}\n`);
      }
      process.env.PATH = "/nonexistent";
      const missing = await openInBrowser(html).catch(({ message }) => message);
      assert.is(missing, "xdg-open: ENOENT");
    } finally {
      process.env.PATH = PATH;
    }

    // Without tshark too: it shows a recorded run, and says so.
    await opener("exit 3");
    const packets = start("packets", ["--html", html, "--open"], {
      PATH: folder,
    });
    assert.is((await packets.exit(15_000)).code, 1, packets.report());
    const says = `packets: no browser opens (xdg-open: 3); open ${html} yourself\n`;
    assert.ok(packets.output.stderr.endsWith(says), packets.output.stderr);
    assert.ok(shows(await readFile(html, "utf8"), packetsTexts.en.shipped));
  },
);

test("a file that can't be written, and wrong options: one line", async () => {
  const folder = await temporaryFolder();
  const packets = start("packets", [
    "--read",
    captureOf("hello"),
    "--html",
    folder,
  ]);
  assert.is((await packets.exit(30_000)).code, 1);
  assert.is(
    packets.output.stderr,
    `packets: can't write ${folder} (EISDIR), check --html\n`,
  );
  for (const parse of [parseCompare, parsePackets]) {
    assert.throws(() => parse(["--open"]), /add --html FILE/);
    for (const args of [
      ["--html", ""],
      ["--html", "-"],
      ["--html", "a", "--json", "a"],
      ["--html"],
    ])
      assert.throws(() => parse(args), /--html/, args.join(" "));
    const { html, open } = parse(["--html", "a.html", "--open"]);
    assert.equal([html, open], ["a.html", true]);
  }
});

test.run();
