/** What the machine has that not every one has: signals, Linux' tools, Python, a browser. */
import { existsSync } from "node:fs";
import { python } from "../scripts/compare/programs.ts";
import { run } from "../scripts/processes.ts";

/** Why something can't be tested here; false where it can. */
export type Why = string | false;

export const onLinux = process.platform === "linux";
export const notLinux: Why = !onLinux && "it takes Linux' /proc or its tools";

/** A program on Windows can't send another one Ctrl+C. */
export const hasSignals = process.platform !== "win32";
export const noSignals: Why = !hasSignals && "Windows has no signals";

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
export const noBrowser = (): Why =>
  (!executablePath && "no Chromium here") ||
  (parseInt(process.versions.node) < 20 && "Playwright needs Node 20");

/** Starts it, with no window. */
export async function startBrowser() {
  const { chromium } = await import("playwright-core");
  const off = "gpu quic background-networking component-update sync".split(" ");
  const args = ["--no-sandbox", "--no-first-run"];
  args.push(...off.map((name) => `--disable-${name}`));
  return chromium.launch({ executablePath, args });
}
