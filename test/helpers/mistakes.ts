/** Mistakes of a learner in a handler, and what the server prints on stderr. */
import * as assert from "uvu/assert";
import { connect, expectEcho } from "./clients.ts";
import type { Suite } from "./harness.ts";
import { startEdited, type Edit } from "./programs.ts";
import { SharedServer, Transcript, type Server } from "./servers.ts";

export interface Mistake {
  /** It is also the message by which a client asks for this mistake. */
  title: string;
  /** The statements that the learner has written. */
  code: string;
  /** The server's message on stderr. */
  complaint: RegExp;
}

/**
 * Adds a test for each mistake: the server reports it, and serves the other
 * clients.
 *
 * @param more mistakes that can be made in this server only
 */
export function testMistakes(
  test: Suite,
  server: Server,
  more: Mistake[],
): void {
  const mistakes = [...mistakesInEveryServer(server), ...more];
  const edit = mistakesOnDemand(mistakes);
  const start = () => startEdited(server.name, edit);
  const shared = new SharedServer(server, start);

  for (const mistake of mistakes)
    test(`a learner's mistake: ${mistake.title}`, async () => {
      if (server.isForever) await expectComplaint(shared, mistake);
      else await expectCrash(shared, mistake);
    });
}

function mistakesInEveryServer(server: Server): Mistake[] {
  const { sender, verbs, send, receive, complaint } = server;
  const takesBytes = `TypeError: ${verbs.send} needs bytes, not`;
  const takesSize = `TypeError: ${verbs.receive}: the size must be a positive integer, not`;
  return [
    {
      title: "it sends an array",
      code: send("[...data]"),
      complaint: complaint(`${takesBytes} [object Array]`),
    },
    {
      title: "it sends text",
      code: send('"text"'),
      complaint: complaint(`${takesBytes} [object String]`),
    },
    {
      title: "it sends nothing",
      code: send(""),
      complaint: complaint(`${takesBytes} [object Undefined]`),
    },
    {
      title: "it receives without a size",
      code: receive(""),
      complaint: complaint(`${takesSize} undefined`),
    },
    {
      title: "it receives 0 bytes",
      code: receive("0"),
      complaint: complaint(`${takesSize} 0`),
    },
    {
      title: "it receives 1.5 bytes",
      code: receive("1.5"),
      complaint: complaint(`${takesSize} 1.5`),
    },
    {
      title: "it calls a method that doesn't exist",
      code: `${sender}All(data);`,
      complaint: complaint(`TypeError: ${sender}All is not a function`),
    },
  ];
}

/** Lets the handler make the mistake whose title a client sends. */
function mistakesOnDemand(mistakes: Mistake[]): Edit {
  const cases = mistakes.map(
    ({ title, code }) => `case ${JSON.stringify(title)}: ${code} break;`,
  );
  return {
    before: "if (!data) break;",
    after: `$&
      switch (new TextDecoder().decode(data)) {
        ${cases.join("\n")}
      }`,
  };
}

/** The mistake affects only its client. */
async function expectComplaint(
  shared: SharedServer,
  { title, complaint }: Mistake,
): Promise<void> {
  const program = await shared.running();
  const bystander = await shared.bystander();
  const transcript = new Transcript(program);
  const client = await connect(program.port);

  await client.send(title);

  assert.match(await client.endOfStream(), /^(FIN|ECONNRESET)$/);
  await transcript.shows(complaint);
  assert.match(transcript.stderr, client.addr);
  await expectEcho(bystander, `after ${title}`);
}

/** The single-client server exits because of the mistake. */
async function expectCrash(
  shared: SharedServer,
  { title, complaint }: Mistake,
): Promise<void> {
  const program = await shared.running();
  const client = await connect(program.port);

  await client.send(title);

  assert.match(await client.endOfStream(), /^(FIN|ECONNRESET)$/);
  assert.equal(await program.exit(), { code: 1, signal: null });
  assert.match(program.output.stderr, complaint);
}
