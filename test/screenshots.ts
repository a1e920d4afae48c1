/**
 * npm run screenshots: measures with compare, takes the recorded run of packets, and
 * makes a picture of each page for the docs, docs/compare.png and docs/packets.png,
 * and the same in Korean, docs/compare.ko.png. Takes half a minute and Chromium.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { launch, projectFile, tsxLoader } from "../scripts/launch.ts";
import { languages } from "../scripts/language.ts";
import { captureOf } from "../scripts/packets/shipped.ts";
import { hasBrowser, startBrowser } from "./chromium.ts";

/** What a README shows of a page: its beginning, in pixels. */
const [width, height] = [1280, 1500];

/** Runs one of the project's scripts to its end. */
async function run(script: string, args: string[]): Promise<void> {
  const file = projectFile(`scripts/${script}.ts`);
  const started = launch([process.execPath, ...tsxLoader, file, ...args]);
  const { code } = await started.exit(120_000);
  if (code !== 0) throw new Error(started.report());
}

if (!hasBrowser) {
  console.error("screenshots: needs /usr/bin/chromium");
  process.exit(1);
}
const folder = await mkdtemp(join(tmpdir(), "lecture1-screenshots-"));
const json = join(folder, "run.json");
await run("compare", ["--json", json]);
await mkdir(projectFile("docs"), { recursive: true });
const browser = await startBrowser();
const page = await browser.newPage({ viewport: { width, height } });
for (const lang of languages)
  for (const [script, args] of [
    ["compare", ["--from", json]],
    ["packets", ["--read", captureOf("hello")]],
  ] as const) {
    const html = join(folder, "page.html");
    await run(script, [...args, "--lang", lang, "--html", html]);
    await page.goto(pathToFileURL(html).href);
    const path = `docs/${script}${lang === "en" ? "" : `.${lang}`}.png`;
    await page.screenshot({ path: projectFile(path) });
    console.log(path);
  }
await browser.close();
await rm(folder, { recursive: true });
