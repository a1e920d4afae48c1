/**
 * npm run screenshots: takes the pictures of the runs in the lecture,
 * docs/compare.png and docs/packets.png, and the Korean ones, docs/*.ko.png.
 * Needs a browser that browser.ts can start.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startBrowser } from "./browser.ts";
import { languages } from "./language.ts";
import { projectFile, tsxLoader } from "./project.ts";
import { $ } from "./zx.ts";

/** The size of a projector, in pixels. */
const viewport = { width: 1280, height: 720 };

const pictures = [
  {
    tool: "compare",
    args: ["--from", projectFile("docs/compare.json")],
    // The page is cut off at the bottom of the projector.
    fullPage: false,
  },
  { tool: "packets", args: ["--show", "hello"], fullPage: true },
];

const folder = await mkdtemp(join(tmpdir(), "lecture1-"));
const html = join(folder, "page.html");
const browser = await startBrowser();
const page = await browser.newPage({ viewport });
for (const language of languages)
  for (const { tool, args, fullPage } of pictures) {
    const script = projectFile(`scripts/${tool}.ts`);
    const command = [process.execPath, ...tsxLoader, script, ...args];
    await $`${command} --lang ${language} --html ${html}`.nothrow(false);
    await page.goto(pathToFileURL(html).href);

    const suffix = language === "en" ? "" : `.${language}`;
    const picture = `docs/${tool}${suffix}.png`;
    await page.screenshot({ path: projectFile(picture), fullPage });
    console.log(picture);
  }
await browser.close();
await rm(folder, { recursive: true });
