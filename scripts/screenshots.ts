/**
 * npm run screenshots: makes the pictures of the lecture, docs/compare.png and
 * docs/packets.png, of the runs that it shows, and the same in Korean, docs/*.ko.png.
 * Needs the browser of browser.ts.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startBrowser } from "./browser.ts";
import { languages } from "./language.ts";
import { projectFile, tsxLoader } from "./project.ts";
import { $ } from "./zx.ts";

/** What a projector shows of compare's page; of packets' all is shown. */
const viewport = { width: 1280, height: 720 };

const tools = {
  compare: ["--from", projectFile("docs/compare.json")],
  packets: ["--show", "hello"],
};

const folder = await mkdtemp(join(tmpdir(), "lecture1-"));
const browser = await startBrowser();
const page = await browser.newPage({ viewport });
for (const lang of languages)
  for (const [tool, args] of Object.entries(tools)) {
    const html = join(folder, "page.html");
    const script = projectFile(`scripts/${tool}.ts`);
    const command = [process.execPath, ...tsxLoader, script, ...args];
    await $`${command} --lang ${lang} --html ${html}`.nothrow(false);
    await page.goto(pathToFileURL(html).href);
    const path = `docs/${tool}${lang === "en" ? "" : `.${lang}`}.png`;
    const fullPage = tool === "packets";
    await page.screenshot({ path: projectFile(path), fullPage });
    console.log(path);
  }
await browser.close();
await rm(folder, { recursive: true });
