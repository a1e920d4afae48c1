/** Both pages in a real browser: on a wall, a phone and paper, and for those who can't see them. */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import * as assert from "uvu/assert";
import { comparePage } from "../scripts/compare/page.ts";
import type { Run } from "../scripts/compare/result.ts";
import { languages, type Language } from "../scripts/language.ts";
import { packetsPage } from "../scripts/packets/page.ts";
import type { Recording } from "../scripts/packets/recording.ts";
import { pictureOf } from "../scripts/packets/rows.ts";
import { pairs } from "../scripts/packets/texts.ts";
import { projectFile } from "../scripts/project.ts";
import { besidePython, told } from "./helpers/runs.ts";
import { suite } from "./helpers/harness.ts";
import { temporaryFolder } from "../scripts/copyProject.ts";
import { noBrowser } from "./helpers/machine.ts";
import { startBrowser } from "../scripts/browser.ts";
import { english, korean, recorded } from "./helpers/packetsTool.ts";

const test = suite("the pages");
const withBrowser = test.unless(noBrowser());

/** The lecture's own run, of ten clients. */
const lectures: Run = JSON.parse(
  readFileSync(projectFile("docs/compare.json"), "utf8"),
);

/** Six servers, and all that can be said; then, two of them, of 200 clients. */
const six = besidePython({
  missing: ["lecture1_client.py"],
  "servers.2.failure": {
    ...{ step: "Ctrl+C", trouble: "died", detail: "1" },
    lastLines: ["<b>"],
  },
});
const large = structuredClone(six);
for (const { stay } of large.servers.slice(0, 2))
  stay!.clients = Array(200).fill(stay!.clients[1]);

function ladderOf(it: Recording, lang: Language = "en", note = "A note.") {
  const say = lang === "en" ? english : korean;
  const around: [string[], string[]] = [[note], ["The end."]];
  return packetsPage(pictureOf(it, say), around, lang, say);
}

let browser: Browser | undefined;
test.after(() => browser?.close());

/** Opens a page, as a file; it is silent, and asks for nothing. */
async function open(html: string, width = 1920, height = 1080) {
  browser ??= await startBrowser();
  const page = await browser.newPage({ viewport: { width, height } });
  const noises: string[] = [];
  page.on("console", (message) => noises.push(message.text()));
  page.on("pageerror", (error) => noises.push(error.message));
  page.on("request", (request) => noises.push(request.url()));
  const file = join(await temporaryFolder(), "a page.html");
  await writeFile(file, html);
  await page.goto(pathToFileURL(file).href);
  assert.equal(noises, [page.url()]);
  await page.addScriptTag({ path: projectFile("test/helpers/inBrowser.js") });
  return page;
}

/** Asserts that nothing is in a wrong place in windows of these sizes, each with its smallest text in pixels. */
async function fits(page: Page, ...sizes: [number, number, number][]) {
  for (const [width, height, least] of sizes) {
    await page.setViewportSize({ width, height });
    const flaws = await page.evaluate(`findMisplaced(${least})`);
    assert.equal(flaws, [], `at ${width}`);
  }
}

/** Asserts that axe finds nothing; in the second scheme only the colours are others. */
async function accessible(page: Page, ...schemes: ("light" | "dark")[]) {
  await page.addScriptTag({ content: axe.source });
  for (const [second, colorScheme] of schemes.entries()) {
    await page.emulateMedia({ colorScheme });
    const rules = second ? `{ runOnly: "color-contrast" }` : "";
    const look = page.evaluate<axe.AxeResults>(`axe.run(${rules})`);
    const { violations } = await look;
    const found = violations.map(({ id, nodes }) => [id, nodes[0]!.html]);
    assert.equal(found, [], colorScheme);
  }
}

for (const language of languages)
  withBrowser(`compare's, ${language}: first screen, boxes`, async () => {
    for (const run of [lectures, large]) {
      const page = await open(comparePage(told(run, language)));
      const lanes = await page.locator("section:nth-child(3)").boundingBox();
      const bottom = lanes!.y + lanes!.height;
      // The answer and all lanes, on a projector.
      if (run === lectures) assert.ok(bottom <= 1080, `${bottom} px`);
      await fits(page, [1920, 1080, 21], [1280, 720, 15.9], [390, 844, 14]);
    }
  });

withBrowser("compare's: axe, and paper: no row is cut, on white", async () => {
  await accessible(await open(comparePage(told(six, "ko"))), "light", "dark");
  const page = await open(comparePage(told(large, "en")), 703, 1017); // A4 without its margins
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  assert.equal(await page.evaluate("findCut(1017)"), []);
  const paper = "getComputedStyle(document.body).backgroundColor";
  assert.is(await page.evaluate(paper), "rgb(255, 255, 255)");
  const pdf = await page.pdf({ preferCSSPageSize: true });
  const sheets = pdf.toString("latin1").match(/\/Type \/Page\b/g)!.length;
  assert.ok(sheets >= 2 && sheets <= 5, `${sheets} sheets`);
});

/** How high the page is, and how large its text. */
const size = `[
  document.documentElement.scrollHeight,
  parseFloat(getComputedStyle(document.querySelector("td")).fontSize),
]`;

// Ten packets and the legend are on one screen; axe looks at some.
const oneScreen = ["hello en", "hello ko", "forever ko"];
const forAxe = ["lossy en", "robot ko"];
const others = ["long ko", "reset en", "refused ko"];

for (const look of [...oneScreen, ...forAxe, ...others])
  withBrowser(`packets', ${look}: on a wall, a phone, on paper`, async () => {
    const [name, lang] = look.split(" ") as [string, Language];
    const recording = recorded(name);
    const page = await open(ladderOf(recording, lang));
    await fits(page, [1280, 800, 13], [390, 844, 13]);
    await page.emulateMedia({ media: "print" });
    await fits(page, [717, 1000, 0]);
    assert.equal(await page.evaluate("findCut(1000)"), []);
    await page.emulateMedia({ media: "screen" });
    await fits(page, [1920, 1080, 20]);
    const [high, letters] = await page.evaluate<number[]>(size);
    if (oneScreen.includes(look))
      assert.ok(high! <= 1080 && letters! >= 21, `${high}, ${letters}`);
    const wanted = recording.packets.map(({ from, lost }) => [
      ...[from === "server", lost === true, true],
    ]);
    assert.equal(await page.evaluate("findArrows()"), wanted);
    const scheme = lang === "en" ? "light" : "dark";
    if (forAxe.includes(look)) await accessible(page, scheme);
    await page.close();
  });

/** What stands on a page, without its tags. */
const textOf = (html: string) =>
  html.replace(/<style>[^]*<\/style>|<[^>]+>/g, " ").replace(/\s+/g, " ");

test("each row says who does what; the yellow number is what lies unread", async () => {
  const html = ladderOf(recorded("hello"));
  const says = `
    A note. SYN asks for a connection ACK confirms PSH hands to the program at once FIN nothing more from this side RST resets the connection
    client → server: [PSH, ACK] Seq=1 Ack=1 Len=14 Hello, Server! 14 carries 14 bytes
    server: reads 14 bytes
    client: Received from server: Hello, Server! prints
    The end.`;
  for (const line of says.trim().split(/\n\s*/))
    assert.ok(textOf(html).includes(line), line);
  const { rows } = pictureOf(recorded("hello"), english);
  const unread = rows.flatMap(({ unread }) => Object.values(unread));
  const counts = html.split('<td class="count">14</td>').length - 1;
  assert.is(counts, unread.filter(Boolean).length);
});

test("a Korean page says nothing in English", async () => {
  const text = textOf(ladderOf(recorded("lossy"), "ko"));
  for (const [sentence] of Object.values(pairs))
    if (typeof sentence === "string" && sentence.includes(" "))
      assert.not.ok(text.includes(sentence), sentence);
});

test("a page can't be driven by what was sent or printed", async () => {
  const recording = recorded("hello");
  const evil = `<script>alert(1)</script>"'<img src=x>&`;
  recording.packets[3]!.text = recording.lines[2]!.text = evil;
  const html = ladderOf(recording, "en", evil);
  assert.not.match(html, /<script|<img|https?:\/\//);
  assert.is(html.split("&#60;script&#62;alert(1)").length, 4);
});

test.run();
