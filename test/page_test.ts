/** compare's page, in a real browser: on a wall, a phone and paper, and for those who can't see it. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import * as assert from "uvu/assert";
import { comparePage } from "../scripts/compare/page.ts";
import { report } from "../scripts/compare/report.ts";
import type { Run } from "../scripts/compare/result.ts";
import { textsIn } from "../scripts/compare/texts.ts";
import { languages, type Language } from "../scripts/language.ts";
import { escape } from "../scripts/page.ts";
import { projectFile } from "../scripts/processes.ts";
import { hasBrowser, startBrowser } from "./chromium.ts";
import { besidePython, fixed } from "./fixed.ts";
import { suite, temporaryFolder } from "./harness.ts";

const test = suite("compare's page");
const withBrowser = test.unless(!hasBrowser && "no /usr/bin/chromium");

const told = (run: Run, language: Language = "en") =>
  report(run, textsIn(language));

/** Ten clients, as in the lecture. */
function ten(): Run {
  const run = fixed();
  run.options.clients = 10;
  for (const { stay } of run.servers)
    stay!.clients = Array(10).fill(stay!.clients[1]);
  return run;
}

/** Six servers, 200 clients, and all that can be said. */
function large(): Run {
  const run = besidePython();
  for (const { stay } of run.servers)
    stay!.clients = Array(200).fill(stay!.clients[1]);
  run.missing = ["lecture1_client.py"];
  const reason = { trouble: "died", detail: "1", message: "" } as const;
  run.servers[2]!.failure = { ...reason, step: "Ctrl+C", lastLines: ["<b>"] };
  return run;
}

let browser: Browser | undefined;
/** What a page has asked for, or said on the console. */
const noises: string[] = [];
test.after(() => browser?.close());

/** Opens a page, as a file. */
async function open(html: string, width = 1920, height = 1080): Promise<Page> {
  browser ??= await startBrowser();
  const page = await browser.newPage({ viewport: { width, height } });
  noises.length = 0;
  page.on("console", (message) => noises.push(message.text()));
  page.on("pageerror", (error) => noises.push(error.message));
  page.on("request", (request) => noises.push(request.url()));
  const file = join(await temporaryFolder(), "a page.html");
  await writeFile(file, html);
  await page.goto(pathToFileURL(file).href);
  assert.equal(noises, [page.url()], "it is silent, and asks for nothing");
  await page.addScriptTag({ path: projectFile("test/inBrowser.js") });
  return page;
}

for (const lang of languages)
  withBrowser(
    `${lang}: the answer and all lanes on a projector's first screen; nothing leaves its box`,
    async () => {
      const page = await open(comparePage(told(ten(), lang)));
      for (const part of [".answer", "section:nth-child(3) tr"])
        assert.ok(
          Number(await page.evaluate(`bottomOf("${part}")`)) <= 1080,
          part,
        );
      const all = [ten(), large()];
      for (const [index, run] of all.entries()) {
        await page.setContent(comparePage(told(run, lang)));
        await page.addScriptTag({ path: projectFile("test/inBrowser.js") });
        for (const [width, height, least] of [
          [1920, 1080, 21],
          [1280, 720, 15.9],
          [390, 844, 14],
        ] as const) {
          await page.setViewportSize({ width, height });
          const flaws = await page.evaluate(`findMisplaced(${least})`);
          assert.equal(flaws, [], `run ${index} at ${width}`);
        }
      }
      await page.close();
    },
  );

withBrowser("on paper: no panel and no row is cut, on white", async () => {
  const page = await open(comparePage(told(large())), 703, 1017); // A4 without its margins
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  assert.equal(await page.evaluate("findCut(1017)"), []);
  const paper = "getComputedStyle(document.body).backgroundColor";
  assert.is(await page.evaluate(paper), "rgb(255, 255, 255)");
  const pdf = await page.pdf({ preferCSSPageSize: true });
  const sheets = pdf.toString("latin1").match(/\/Type \/Page\b/g)!.length;
  assert.ok(sheets >= 2 && sheets <= 5, `${sheets} sheets`);
  await page.close();
});

withBrowser("axe finds nothing, light and dark", async () => {
  const page = await open(comparePage(told(large(), "ko")));
  await page.addScriptTag({ content: axe.source });
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate<axe.AxeResults>("axe.run()");
    const said = violations.map(({ id, nodes }) => [id, nodes[0]!.html]);
    assert.equal(said, [], colorScheme);
  }
  await page.close();
});

test("all that the report says stands there, as text", async () => {
  for (const run of [fixed(), large()])
    for (const lang of languages) {
      const said = told(run, lang);
      const html = comparePage(said);
      const text = html.replaceAll(/<[^>]*>/g, "");
      const { experiment, panels, legend } = said.picture;
      const all = [
        ...[said.title, said.picture.title, said.table.title, experiment],
        ...[...said.sentences, ...said.notes, ...said.failures],
        ...panels.flatMap(({ title, about, lanes, more }) => [
          ...[title, about, more],
          ...lanes.flatMap(({ name, said }) => [name, said]),
        ]),
        ...said.table.rows.flatMap(({ title, cells }) => [
          title,
          ...cells.flatMap(({ text }) => text.split("\n")),
        ]),
        ...[...Object.values(legend), said.conditions],
      ];
      for (const one of all) assert.ok(text.includes(escape(one)), one);
      assert.match(html, new RegExp(`<html lang="${lang}">`));
      assert.not.match(html, /NaN|undefined|Infinity|<b>[^━●✖]/);
      assert.ok(html.length < 60_000, `${html.length} characters`);
    }
});

test("bars and lanes are as long as what they say", async () => {
  const html = comparePage(told(fixed()));
  const row = html
    .split("\n")
    .find((line) => line.includes(">echoes/s, 1 client<"))!;
  const bars = row.match(/--part: [\d.]+%/g);
  assert.equal(bars, ["--part: 60.00%", "--part: 33.33%", "--part: 100.00%"]);
  const end = 1006;
  const percent = (part: number) => `${(100 * part).toFixed(2)}%`;
  const lane = `left: ${percent(10 / end)}; right: ${percent(1 - 120 / end)}`;
  assert.ok(html.includes(lane), lane);
});

test.run();
