/**
 * Loaded before a script: as a debugger does, it sets a breakpoint in every Worker,
 * and says on stderr where a Worker stopped. LECTURE1_BREAKPOINT is FILE-URL:LINE.
 */
import { Session } from "node:inspector";

const [, url, line] = /^(.*):(\d+)$/.exec(process.env.LECTURE1_BREAKPOINT!)!;
const session = new Session();
session.connect();

function send(sessionId: string, method: string, params = {}) {
  const message = JSON.stringify({ id: 1, method, params });
  session.post("NodeWorker.sendMessageToWorker", { sessionId, message });
}

const titles = new Map<string, string>();
session.on("NodeWorker.attachedToWorker", ({ params }) => {
  const { sessionId, workerInfo } = params;
  titles.set(sessionId, workerInfo.title);
  send(sessionId, "Debugger.enable");
  const lineNumber = Number(line) - 1; // counted from 0
  send(sessionId, "Debugger.setBreakpointByUrl", { url, lineNumber });
  send(sessionId, "Runtime.runIfWaitingForDebugger");
});
session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
  const { method, params: paused } = JSON.parse(params.message);
  if (method !== "Debugger.paused") return;
  const [{ functionName, location }] = paused.callFrames;
  const at = `${functionName}:${location.lineNumber + 1}`;
  console.error(`stopped at ${at} in ${titles.get(params.sessionId)}`);
  send(params.sessionId, "Debugger.resume");
});
session.post("NodeWorker.enable", { waitForDebuggerOnStart: true });
