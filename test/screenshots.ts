/**
 * npm run screenshots: makes the pictures of the lecture, docs/compare.png and
 * docs/packets.png, of the runs that it shows: docs/compare.json and the recording
 * `hello`; and the same in Korean, docs/compare.ko.png. Takes Chromium.
 */
import { readFile } from "node:fs/promises";
import { comparePage } from "../scripts/compare/page.ts";
import type { Comparison } from "../scripts/compare/result.ts";
import { projectFile } from "../scripts/processes.ts";
import { languages } from "../scripts/old/language.ts";
import { packetsPage } from "../scripts/packets/page.ts";
import { recordingOf, shipped } from "../scripts/packets/shipped.ts";
import { hasBrowser, startBrowser } from "./chromium.ts";

/** In pixels: of compare's page the lecture shows the beginning, who waited. */
const [width, height] = [1280, 1640];

if (!hasBrowser) {
  console.error("screenshots: needs /usr/bin/chromium");
  process.exit(1);
}
const saved = await readFile(projectFile("docs/compare.json"), "utf8");
const comparison: Comparison = JSON.parse(saved);
const recording = recordingOf(await shipped("hello"));
const browser = await startBrowser();
const page = await browser.newPage({ viewport: { width, height } });
for (const lang of languages)
  for (const [name, html] of [
    ["compare", await comparePage(comparison, lang)],
    ["packets", await packetsPage(recording, lang)],
  ] as const) {
    await page.setContent(html);
    const path = `docs/${name}${lang === "en" ? "" : `.${lang}`}.png`;
    const fullPage = name === "packets";
    await page.screenshot({ path: projectFile(path), fullPage });
    console.log(path);
  }
await browser.close();
