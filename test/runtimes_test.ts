/** The four scripts without tsx: under node 22.18 or later, Deno and Bun, where they are installed. */
import * as assert from "uvu/assert";
import { launch, listening, projectFile } from "../scripts/processes.ts";
import { hasSignals, suite } from "./harness.ts";
import { runtimes } from "./runtimes.ts";
import { goodbye } from "./servers.ts";

const test = suite("runtimes");

const servers = [
  "lecture1_server",
  "lecture1_server_forever",
  "lecture1_server_forever_async",
];

for (const { name, program = "", version, args } of runtimes)
  for (const server of servers)
    test.unless(!program && `no ${name} on the PATH`)(
      `${name} (${version ?? "missing"}): ${server}`,
      async () => {
        const run = (script: string, port: number) =>
          launch([
            program,
            ...args,
            projectFile(`${script}.ts`),
            "--port",
            String(port),
          ]);
        const script = await listening(run(server, 0));
        const client = run("lecture1_client", script.port);
        assert.equal(await client.exit(), { code: 0, signal: null });
        assert.equal(client.output, {
          stdout: "Received from server: Hello, Server!\n",
          stderr: "",
        });
        const forever = server !== "lecture1_server";
        if (forever) await script.saw(/closed\n/);
        if (forever && !hasSignals) return;
        if (forever) script.kill("SIGINT");
        assert.equal(await script.exit(), { code: 0, signal: null });
        const lines = script
          .lines()
          .map((line) => line.replace(/\b\d{4,5}\b/g, "PORT"));
        const peer = "('127.0.0.1', PORT)";
        const listens = server.endsWith("async") ? peer : "127.0.0.1:PORT";
        const from = forever ? ` from ${peer}` : "";
        assert.equal(lines, [
          `Server listening on ${listens}`,
          `Connected by ${peer}`,
          `Received${from}: Hello, Server!`,
          ...(forever ? [`Connection with ${peer} closed`, ...goodbye] : []),
        ]);
        assert.is(script.output.stderr, "");
      },
    );

test.run();
