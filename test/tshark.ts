/** Whether tshark is here, and whether it may capture. */
import { launch } from "../scripts/processes.ts";
import { findTshark, loopback } from "../scripts/packets/tshark.ts";
import type { Why } from "./harness.ts";

/** Where tshark is, or null. */
export const tshark = await findTshark().catch(() => null);

/** To name the loopback's link types tshark opens it, for which it needs the right to capture. */
async function captures(program: string): Promise<boolean> {
  const trial = launch([program, "-i", loopback, "-L"]);
  return (await trial.exit(20_000)).code === 0;
}

export const canCapture = tshark !== null && (await captures(tshark));

/** Why tests can't use it, or can't capture with it. */
export const noTshark: Why = tshark === null && "no tshark";
export const noCapture: Why =
  noTshark || (!canCapture && "tshark may not capture");
