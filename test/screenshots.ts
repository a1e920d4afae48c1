/**
 * npm run screenshots: measures with compare, takes the recorded run of packets, and
 * makes a picture of each page for the docs, docs/compare.png and docs/packets.png,
 * and the same in Korean, docs/compare.ko.png. Takes half a minute and Chromium.
 */
import { mkdir } from "node:fs/promises";
import { comparePage } from "../scripts/compare/page.ts";
import type { Comparison } from "../scripts/compare/result.ts";
import { launch, projectFile, tsxLoader } from "../scripts/launch.ts";
import { languages } from "../scripts/language.ts";
import { packetsPage } from "../scripts/packets/page.ts";
import { recordingOf, shipped } from "../scripts/packets/shipped.ts";
import { hasBrowser, startBrowser } from "./chromium.ts";

/** What a README shows of a page: its beginning, in pixels. */
const [width, height] = [1280, 1500];

/** Measures, with nothing else to do for the machine. */
async function measured(): Promise<Comparison> {
  const file = projectFile("scripts/compare.ts");
  const compare = launch([process.execPath, ...tsxLoader, file, "--json", "-"]);
  const { code } = await compare.exit(120_000);
  if (code !== 0) throw new Error(compare.report());
  return JSON.parse(compare.output.stdout);
}

if (!hasBrowser) {
  console.error("screenshots: needs /usr/bin/chromium");
  process.exit(1);
}
const comparison = await measured();
const recording = recordingOf(await shipped("hello"));
await mkdir(projectFile("docs"), { recursive: true });
const browser = await startBrowser();
const page = await browser.newPage({ viewport: { width, height } });
for (const lang of languages)
  for (const [name, html] of [
    ["compare", await comparePage(comparison, lang)],
    ["packets", await packetsPage(recording, lang)],
  ] as const) {
    await page.setContent(html);
    const path = `docs/${name}${lang === "en" ? "" : `.${lang}`}.png`;
    await page.screenshot({ path: projectFile(path) });
    console.log(path);
  }
await browser.close();
