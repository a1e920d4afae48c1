/** The ports that freePort() finds. */
import * as assert from "uvu/assert";
import { freePort } from "../scripts/freePort.ts";
import { launch } from "../scripts/launch.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("freePort");

test("two processes never get the same port, in 400 calls", async () => {
  const other = launch([process.execPath, "--input-type=module", "-e", asker]);
  const ours = await Promise.all(Array.from({ length: 200 }, freePort));
  await other.until("its ports", () => other.lines().length === 200);
  const theirs = other.lines().map(Number);

  const different = new Set([...ours, ...theirs]);
  assert.is(different.size, 400);
});

const compiled = new URL("../scripts/freePort.js", import.meta.url);

/** Asks for 200 ports, and keeps running: until it exits they are taken. */
const asker = `
import { freePort } from "${compiled}";

for (let i = 0; i < 200; i++) console.log(await freePort());
setInterval(() => {}, 1000);
`;

test.run();
