/** Whether packets can be captured on this machine. */
import { freePort } from "../../scripts/freePort.ts";
import { CannotCapture, startCapture } from "../../scripts/packets/tshark.ts";
import type { Why } from "./machine.ts";
import { english } from "./packetsTool.ts";

/** The reason why nothing can be captured on this machine. */
export async function whyNoCapture(): Promise<Why> {
  try {
    const capture = await startCapture({
      port: await freePort(),
      say: english,
    });
    await capture.stop();
    return false;
  } catch (error) {
    return error instanceof CannotCapture && error.message;
  }
}
