/** Chromium, in which screenshots are taken and pages are tested. */
import { existsSync } from "node:fs";

/** Its paths on Linux. The one without windows starts twice as fast. */
const executables = [
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/chromium",
  "/usr/bin/google-chrome",
];

/** The browser's full path; undefined if none is installed. */
export function findBrowser(): string | undefined {
  return executables.find((file) => existsSync(file));
}

/**
 * Starts the browser without a window.
 *
 * @throws Error when none is installed, or Playwright can't start it
 */
export async function startBrowser() {
  const { chromium } = await import("playwright-core");
  const disabled = [
    "gpu",
    "quic",
    "background-networking",
    "component-update",
    "sync",
  ];
  return chromium.launch({
    executablePath: findBrowser(),
    args: [
      "--no-sandbox",
      "--no-first-run",
      ...disabled.map((feature) => `--disable-${feature}`),
    ],
  });
}
