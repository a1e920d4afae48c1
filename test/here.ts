/** What the machine has that not every one has: Python, a browser. */
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { python } from "../scripts/compare/programs.ts";
import { run } from "../scripts/processes.ts";
import { onLinux, type Why } from "./harness.ts";

/** Why the Python originals can't run here. */
export async function noPython(): Promise<Why> {
  // On Windows a program of this name may do nothing but offer the real one.
  const { exitCode } = await run`${python} --version`;
  return exitCode !== 0 && `no ${python} here`;
}

const browsers = ["/usr/bin/chromium", "/usr/bin/google-chrome"];
const executablePath = onLinux ? browsers.find(existsSync) : undefined;

/** Why no page can be looked at here. */
export const noBrowser = (): Why => !executablePath && "no Chromium for Linux";

/** Starts Debian's Chromium or Google's Chrome, without a window. */
export function startBrowser() {
  const off = "gpu quic background-networking component-update sync".split(" ");
  const args = ["--no-sandbox", "--no-first-run"];
  args.push(...off.map((name) => `--disable-${name}`));
  return chromium.launch({ executablePath, args });
}
