/**
 * A debugger that is loaded before a script: it follows every Worker, as that
 * of an editor does, and writes one line to stderr for each `debugger;` at
 * which one stops.
 */
import { writeSync } from "node:fs";
import { Session, type NodeWorker } from "node:inspector";

/**
 * A call frame of Debugger.paused, as Chrome's DevTools Protocol describes it.
 */
interface CallFrame {
  functionName: string;
  location: { scriptId: string; lineNumber: number };
}

/** What the debugger knows of one Worker. */
class WorkerDebugger {
  readonly #sessionId: string;
  readonly #title: string;
  /** The URLs of the scripts that the Worker has loaded, by their ids. */
  readonly #urls = new Map<string, string>();

  constructor({
    sessionId,
    workerInfo,
  }: NodeWorker.AttachedToWorkerEventDataType) {
    this.#sessionId = sessionId;
    this.#title = workerInfo.title;
  }

  start(): void {
    this.#send("Debugger.enable");
    this.#send("Runtime.runIfWaitingForDebugger");
  }

  /** @param message a message of the protocol, as JSON */
  receive(message: string): void {
    const { method, params } = JSON.parse(message);
    switch (method) {
      case "Debugger.scriptParsed":
        this.#urls.set(params.scriptId, params.url);
        break;
      case "Debugger.paused":
        this.#report(params.callFrames[0]);
        this.#send("Debugger.resume");
    }
  }

  #report({ functionName, location }: CallFrame): void {
    const url = this.#urls.get(location.scriptId);
    const line = location.lineNumber + 1;
    const place = `${functionName}, ${url}:${line}`;
    // A session's listeners run anywhere in Node's event loop, where nothing
    // may use process.nextTick. console.error would.
    writeSync(2, `stopped at ${place} in ${this.#title}\n`);
  }

  #send(method: string): void {
    session.post("NodeWorker.sendMessageToWorker", {
      sessionId: this.#sessionId,
      message: JSON.stringify({ id: 1, method }),
    });
  }
}

const session = new Session();
const workers = new Map<string, WorkerDebugger>();

session.connect();
session.on("NodeWorker.attachedToWorker", ({ params }) => {
  const worker = new WorkerDebugger(params);
  workers.set(params.sessionId, worker);
  worker.start();
});
session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
  workers.get(params.sessionId)?.receive(params.message);
});
session.post("NodeWorker.enable", { waitForDebuggerOnStart: true });
