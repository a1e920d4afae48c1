/**
 * What a machine may lack: signals, Linux' tools, Python, a browser, a pseudo
 * terminal.
 */
import { existsSync } from "node:fs";
import { findBrowser } from "./browser.ts";
import { python } from "../../scripts/compare/programs.ts";
import { $ } from "../../scripts/zx.ts";

/**
 * The reason why something can't be tested on this machine; false if it can.
 */
export type Why = string | false;

export const onLinux = process.platform === "linux";
export const onWindows = process.platform === "win32";

export const notLinux: Why = !onLinux && "it needs Linux's /proc or its tools";

/** On Windows no program can send Ctrl+C to another program. */
export const hasSignals = !onWindows;
export const noSignals: Why = !hasSignals && "Windows has no signals";

/** A shell's `ulimit -n` says how many files a program may open. */
export const noUlimit: Why = onWindows && "Windows has no ulimit";

/** Python's reason: the originals can't run here. */
export async function noPython(): Promise<Why> {
  // On Windows a program of this name may do nothing but offer the real one.
  const { exitCode } = await $`${python} --version`;
  return exitCode !== 0 && `no ${python} here`;
}

/** The pages' reason: they can't be opened here. */
export function noBrowser(): Why {
  const [nodeMajor] = process.versions.node.split(".").map(Number);
  if (!onLinux || !findBrowser()) return "no Chromium here";
  if (nodeMajor! < 20) return "Playwright needs Node 20";
  return false;
}

/**
 * The pseudo terminal's reason: helpers/pseudoTerminal.ts can't make one here.
 */
export const noTerminal: Why =
  notLinux || (!existsSync("/usr/bin/script") && "no program script");
