/** compare's page, in a real browser: on a wall, a phone and paper, and for those who can't see it. */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import type { Browser } from "playwright-core";
import * as assert from "uvu/assert";
import { comparePage } from "../scripts/compare/page.ts";
import type { Run } from "../scripts/compare/result.ts";
import { languages, type Language } from "../scripts/language.ts";
import { projectFile } from "../scripts/processes.ts";
import { besidePython, told } from "./fixed.ts";
import { suite, temporaryFolder } from "./harness.ts";
import { noBrowser, startBrowser } from "./here.ts";

const test = suite("compare's page");
const withBrowser = test.unless(noBrowser());

/** The lecture's own run, of ten clients. */
const lectures: Run = JSON.parse(
  readFileSync(projectFile("docs/compare.json"), "utf8"),
);

/** Six servers, 200 clients, and all that can be said. */
const large = besidePython({
  missing: ["lecture1_client.py"],
  "servers.2.failure": {
    ...{ step: "Ctrl+C", trouble: "died", detail: "1" },
    lastLines: ["<b>"],
  },
});
for (const { stay } of large.servers)
  stay!.clients = Array(200).fill(stay!.clients[1]);

let browser: Browser | undefined;
test.after(() => browser?.close());

/** Opens a page, as a file; it is silent, and asks for nothing. */
async function open(run: Run, language: Language, width = 1920, height = 1080) {
  browser ??= await startBrowser();
  const page = await browser.newPage({ viewport: { width, height } });
  const noises: string[] = [];
  page.on("console", (message) => noises.push(message.text()));
  page.on("pageerror", (error) => noises.push(error.message));
  page.on("request", (request) => noises.push(request.url()));
  const file = join(await temporaryFolder(), "a page.html");
  await writeFile(file, comparePage(told(run, language)));
  await page.goto(pathToFileURL(file).href);
  assert.equal(noises, [page.url()]);
  await page.addScriptTag({ path: projectFile("test/inBrowser.js") });
  return page;
}

for (const language of languages)
  withBrowser(
    `${language}: the answer and all lanes on a projector's first screen; nothing leaves its box`,
    async () => {
      for (const run of [lectures, large]) {
        const page = await open(run, language);
        const lanes = await page.locator("section:nth-child(3)").boundingBox();
        const bottom = lanes!.y + lanes!.height;
        if (run === lectures) assert.ok(bottom <= 1080, `${bottom} px`);
        for (const [width, height, least] of [
          [1920, 1080, 21],
          [1280, 720, 15.9],
          [390, 844, 14],
        ] as const) {
          await page.setViewportSize({ width, height });
          const flaws = await page.evaluate(`findMisplaced(${least})`);
          assert.equal(flaws, [], `at ${width}`);
        }
      }
    },
  );

withBrowser("axe finds nothing, light and dark", async () => {
  const page = await open(large, "ko");
  await page.addScriptTag({ content: axe.source });
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate<axe.AxeResults>("axe.run()");
    const found = violations.map(({ id, nodes }) => [id, nodes[0]!.html]);
    assert.equal(found, [], colorScheme);
  }
});

withBrowser("on paper: no panel and no row is cut, on white", async () => {
  const page = await open(large, "en", 703, 1017); // A4 without its margins
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  assert.equal(await page.evaluate("findCut(1017)"), []);
  const paper = "getComputedStyle(document.body).backgroundColor";
  assert.is(await page.evaluate(paper), "rgb(255, 255, 255)");
  const pdf = await page.pdf({ preferCSSPageSize: true });
  const sheets = pdf.toString("latin1").match(/\/Type \/Page\b/g)!.length;
  assert.ok(sheets >= 2 && sheets <= 5, `${sheets} sheets`);
});

test.run();
