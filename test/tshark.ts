/** Whether tshark is here, and whether it may capture. */
import { which } from "zx";
import { launch } from "../scripts/launch.ts";
import { onLinux } from "./harness.ts";

/** Where tshark is, or null. */
export const tshark = await which("tshark", { nothrow: true });

/** Without the right to capture tshark ends at once, with it after a second. */
async function captures(program: string): Promise<boolean> {
  const loopback = onLinux ? "lo" : "lo0";
  const trial = launch([program, "-i", loopback, "-a", "duration:1"]);
  return (await trial.exit(20_000)).code === 0;
}

export const canCapture = tshark !== null && (await captures(tshark));
