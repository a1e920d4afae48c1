/** Opens a page in the browser, with the program that each system has for that. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const openers: Partial<Record<NodeJS.Platform, string[]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Milliseconds in which an opener says that it can't; some go on for as long as the browser. */
const patience = 3000;

/**
 * Opens a file in the user's browser and doesn't wait for it.
 *
 * @throws Error whose message says what did not open it, and why
 */
export async function openInBrowser(file: string): Promise<void> {
  const [opener = "", ...args] = openers[process.platform] ?? ["xdg-open"];
  const options = { detached: true, stdio: "ignore" } as const;
  const child = spawn(opener, [...args, resolve(file)], options);
  const ended = once(child, "exit").catch(({ code }) => [code]);
  const goesOn = sleep(patience, [0], { ref: false });
  const [code] = await Promise.race([ended, goesOn]);
  child.unref();
  if (code) throw new Error(`${opener}: ${code}`);
}
