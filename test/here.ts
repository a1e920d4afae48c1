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

/** Debian's Chromium without windows, which takes half of the time; with them; Google's Chrome. */
const executablePath = ["chromium-headless-shell", "chromium", "google-chrome"]
  .map((name) => `/usr/bin/${name}`)
  .find((file) => onLinux && existsSync(file));

/** Why no page can be looked at here. */
export const noBrowser = (): Why => !executablePath && "no Chromium here";

/** Starts it, with no window. */
export function startBrowser() {
  const off = "gpu quic background-networking component-update sync".split(" ");
  const args = ["--no-sandbox", "--no-first-run"];
  args.push(...off.map((name) => `--disable-${name}`));
  return chromium.launch({ executablePath, args });
}
