/** Loaded before a script: as a debugger does, it follows every Worker, and says on stderr where one stops. */
import { writeSync } from "node:fs";
import { Session } from "node:inspector";

const session = new Session();
session.connect();

function send(sessionId: string, method: string) {
  const message = JSON.stringify({ id: 1, method });
  session.post("NodeWorker.sendMessageToWorker", { sessionId, message });
}

const [titles, files] = [new Map<string, string>(), new Map<string, string>()];
session.on("NodeWorker.attachedToWorker", ({ params }) => {
  const { sessionId, workerInfo } = params;
  titles.set(sessionId, workerInfo.title);
  send(sessionId, "Debugger.enable");
  send(sessionId, "Runtime.runIfWaitingForDebugger");
});
session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
  const { method, params: told } = JSON.parse(params.message);
  const script = (id: string) => `${params.sessionId} ${id}`;
  if (method === "Debugger.scriptParsed")
    files.set(script(told.scriptId), told.url);
  if (method !== "Debugger.paused") return;
  const [{ functionName, location }] = told.callFrames;
  const file = files.get(script(location.scriptId));
  const title = titles.get(params.sessionId);
  const at = `${functionName}, ${file}:${location.lineNumber + 1}`;
  // A session is called anywhere, amid Node's loop, too: nothing here may use nextTick, as console does.
  writeSync(2, `stopped at ${at} in ${title}\n`);
  send(params.sessionId, "Debugger.resume");
});
session.post("NodeWorker.enable", { waitForDebuggerOnStart: true });
