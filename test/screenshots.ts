/**
 * npm run screenshots: takes the pictures of the runs in the lecture,
 * docs/compare.png and docs/packets.png, and of the originals next to the
 * ports, docs/beside*.png; and the Korean ones, docs/*.ko.png. Needs a browser
 * that browser.ts can start.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startBrowser } from "./helpers/browser.ts";
import type { Design } from "../scripts/designs.ts";
import { languages } from "../scripts/language.ts";
import { projectFile, tsxLoader } from "../scripts/project.ts";
import { $ } from "../scripts/zx.ts";

/** The size of a projector, in pixels. */
const viewport = { width: 1920, height: 1080 };

/** The pictures are smaller than the projector, by this factor. */
const deviceScaleFactor = 2 / 3;

interface Picture {
  /** The picture's file in docs/, without the language and .png. */
  name: string;
  tool: "compare" | "packets" | "beside";
  args: string[];
  /** Whether the picture also shows the page below the projector's screen. */
  fullPage: boolean;
  /** The text of the table's row at the top; unless given, the page's top. */
  firstRow?: string;
}

/** The picture of one of our originals, from its first function on. */
function pictureBeside(name: string, design: Design): Picture {
  const args = [projectFile("test/originals"), "--only", design];
  const firstRow = "def handle_client";
  return { name, tool: "beside", args, fullPage: true, firstRow };
}

const pictures: Picture[] = [
  {
    name: "compare",
    tool: "compare",
    args: ["--from", projectFile("docs/compare.json")],
    fullPage: false,
  },
  {
    name: "packets",
    tool: "packets",
    args: ["--show", "hello"],
    fullPage: true,
  },
  pictureBeside("beside", "forever"),
  pictureBeside("beside_async", "async"),
];

const folder = await mkdtemp(join(tmpdir(), "lecture1-"));
const html = join(folder, "page.html");
const browser = await startBrowser();
const page = await browser.newPage({ viewport, deviceScaleFactor });
for (const language of languages)
  for (const { name, tool, args, fullPage, firstRow } of pictures) {
    const script = projectFile(`scripts/${tool}.ts`);
    const command = [process.execPath, ...tsxLoader, script, ...args];
    await $`${command} --lang ${language} --html ${html}`.nothrow(false);
    await page.goto(pathToFileURL(html).href);

    const suffix = language === "en" ? "" : `.${language}`;
    const picture = `docs/${name}${suffix}.png`;
    const clip = firstRow ? await areaFrom(firstRow) : undefined;
    await page.screenshot({ path: projectFile(picture), fullPage, clip });
    console.log(picture);
  }
await browser.close();
await rm(folder, { recursive: true });

/** The part of the page from a row of its table on. */
async function areaFrom(row: string) {
  const { width } = viewport;
  const box = await page.locator("tr", { hasText: row }).first().boundingBox();
  const height = await page.evaluate<number>("document.body.scrollHeight");
  return { x: 0, y: box!.y, width, height: height - box!.y };
}
