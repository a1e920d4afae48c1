/** A port for a server, before it is started: scripts/freePort.ts. */
import { once } from "node:events";
import net from "node:net";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import { freePort } from "../scripts/freePort.ts";
import { launch } from "../scripts/launch.ts";
import { projectFile } from "../scripts/project.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("free port");

test("a server can listen on it", async () => {
  const port = await freePort();
  const server = net.createServer().listen(port, "127.0.0.1");
  await once(server, "listening");

  server.close();
  await once(server, "close");
});

test("it is below the ports of outgoing connections", async () => {
  const port = await freePort();
  assert.ok(port >= 20_000 && port < 32_768, `${port}`);
});

test("200 here and 200 of another process are 400 ports", async () => {
  const url = pathToFileURL(projectFile("scripts/freePort.js"));
  const code = `
    import { freePort } from "${url}";
    for (let i = 0; i < 200; i++) console.log(await freePort());
    setInterval(() => {}, 1000); // keeps the ports
  `;
  const options = ["--input-type=module", "--eval", code];
  const other = launch([process.execPath, ...options]);
  const ports = await Promise.all(Array.from({ length: 200 }, freePort));
  await other.until("its ports", () => other.lines().length === 200);

  const different = new Set([...ports.map(String), ...other.lines()]);
  assert.is(different.size, 400);
});

test.run();
