/** Web pages in a real browser, and what the tests expect of each. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import * as assert from "uvu/assert";
import { startBrowser } from "./browser.ts";
import { temporaryFolder } from "../../scripts/copyProject.ts";
import { projectFile } from "../../scripts/project.ts";

let browser: Promise<Browser> | undefined;

/** Closes the browser, if a page was opened. */
export async function closeBrowser(): Promise<void> {
  const started = await browser;
  await started?.close();
}

/** A window, or a sheet of paper, and the text that can be read in it. */
export interface Screen {
  /** In CSS pixels. */
  width: number;
  /** In CSS pixels. */
  height: number;
  /** The smallest font size that is allowed, in CSS pixels. */
  smallestTextPx: number;
  /** Whether the page is laid out for paper. */
  isPaper?: boolean;
}

/** A page that several tests look at: the first of them opens it. */
export class TestedPage {
  /** What the page has asked for: URLs. */
  readonly requests: string[] = [];
  /** What the page has printed to its console, and its errors. */
  readonly messages: string[] = [];

  readonly #html: string;
  #opened: Promise<Page> | undefined;

  /** @param html the page, as a file would contain it */
  constructor(html: string) {
    this.#html = html;
  }

  /**
   * Opens the page in a browser, as a file, if that has not been done yet.
   *
   * @throws Error if the browser can't be started
   */
  open(): Promise<Page> {
    this.#opened ??= this.#openFile();
    return this.#opened;
  }

  async #openFile(): Promise<Page> {
    browser ??= startBrowser();
    const page = await (await browser).newPage();
    page.on("console", (message) => this.messages.push(message.text()));
    page.on("pageerror", (error) => this.messages.push(error.message));
    page.on("request", (request) => this.requests.push(request.url()));

    const file = join(await temporaryFolder(), "a page.html");
    await writeFile(file, this.#html);
    await page.goto(pathToFileURL(file).href);
    const functions = projectFile("test/helpers/inBrowser.js");
    await page.addScriptTag({ path: functions });
    return page;
  }

  /** Lays the page out for a screen or for paper, in light colors. */
  async show({ width, height, isPaper }: Screen): Promise<Page> {
    const page = await this.open();
    const media = isPaper ? "print" : "screen";
    await page.emulateMedia({ media, colorScheme: "light" });
    await page.setViewportSize({ width, height });
    return page;
  }
}

/**
 * Asserts that a page asks for nothing but itself, and prints and throws
 * nothing.
 */
export async function expectSilent(tested: TestedPage): Promise<void> {
  const page = await tested.open();

  assert.equal(tested.requests, [page.url()]);
  assert.equal(tested.messages, []);
}

/**
 * Asserts that all text can be read on a screen: none is too small, cut or
 * covered.
 */
export async function expectReadable(
  tested: TestedPage,
  screen: Screen,
): Promise<void> {
  const page = await tested.show(screen);

  const flaws = await page.evaluate(`findMisplaced(${screen.smallestTextPx})`);
  assert.equal(flaws, []);
}

/** The widths of the windows in which zoom is tested, in pixels. */
export const zoomedWindows = [1024, 1366, 1920, 3840];

/** The steps of a browser's zoom. */
const zooms = [0.67, 0.75, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3];

/** How much larger a step of the zoom has to make a text, as a factor. */
const leastGrowth = 1.015;

/**
 * Asserts that each step of the browser's zoom makes every text larger, and
 * that all of it can be read. To a page, zoom is a window of fewer CSS pixels.
 *
 * @param windowPx the width of the window, in CSS pixels without zoom
 */
export async function expectZoomable(
  tested: TestedPage,
  windowPx: number,
): Promise<void> {
  let previous: number[] = [];
  for (const zoom of zooms) {
    const width = Math.round(windowPx / zoom);
    const height = Math.round((windowPx * 9) / 16 / zoom);
    await expectReadable(tested, { width, height, smallestTextPx: 0 });

    const page = await tested.open();
    const sizes = await page.evaluate<number[]>("findTextSizes()");
    const onScreen = sizes.map((size) => size * zoom);
    const smaller = onScreen.find((size, index) => {
      return size < leastGrowth * (previous[index] ?? 0);
    });
    assert.is(smaller, undefined, `zoom ${zoom}: ${smaller} px`);
    previous = onScreen;
  }
}

/**
 * Asserts that no panel and no row of a table would be cut between two sheets.
 */
export async function expectUncut(
  tested: TestedPage,
  sheet: Screen,
): Promise<void> {
  const page = await tested.show(sheet);

  const cut = await page.evaluate(`findCut(${sheet.height})`);
  assert.equal(cut, []);
}

export interface AccessibleOptions {
  colorScheme: "light" | "dark";
  /** The only rule of axe that is checked; all of them unless given. */
  onlyRule?: string;
}

/**
 * Asserts that axe finds nothing that a reader with a disability couldn't use.
 */
export async function expectAccessible(
  tested: TestedPage,
  { colorScheme, onlyRule }: AccessibleOptions,
): Promise<void> {
  const page = await tested.open();
  await page.emulateMedia({ media: "screen", colorScheme });
  await page.setViewportSize({ width: 1920, height: 1080 });
  await page.addScriptTag({ content: axe.source });

  const options = onlyRule ? { runOnly: onlyRule } : {};
  const run = `axe.run(${JSON.stringify(options)})`;
  const { violations } = await page.evaluate<axe.AxeResults>(run);
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`);
  assert.equal(found, []);
}
