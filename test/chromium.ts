/** Debian's Chromium for the tests of the pages, and for their screenshots. */
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const executablePath = "/usr/bin/chromium";

export const hasBrowser =
  process.platform === "linux" && existsSync(executablePath);

const quiet = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts the browser, without a window. */
export function startBrowser() {
  return chromium.launch({ executablePath, headless: true, args: quiet });
}
