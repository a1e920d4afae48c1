/**
 * npm run record: makes the recordings that packets shows with --show anew, from the
 * programs as they are; `npm run record lossy hello` these only. It takes tshark and the
 * right to capture, and for lossy Linux, root, nft and unshare. Then: npm run format.
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { copyProject, lecturePort } from "./copyProject.ts";
import { projectFile, tsxLoader } from "./project.ts";
import { $ } from "./zx.ts";

/** The first packet with data in each direction, behind the capture. */
const rules = ["original", "reply"].map(
  (direction) =>
    `tcp flags & psh == psh ct direction ${direction} limit rate 1/day burst 1 packets drop`,
);
const pause = "await new Promise((resolve) => setTimeout(resolve, 2000));";
const decoder = "const utf8 = new TextDecoder(";

/** The options of packets; a text of lecture1_server.ts and what takes its place; what that changes. */
type Plan = [options: string, edit?: [string, string], changed?: string[]];

const server = "lecture1_server.ts:";
const recv = "conn.recv(1024)";
const plans: Record<string, Plan> = {
  hello: [""],
  long: ["--bytes 4000"],
  forever: ["--server forever"],
  async: ["--server async"],
  refused: ["--refused"],
  reset: ["--reset"],
  robot: ["--robot"],
  lossy: ["", undefined, ["nft, input:", ...rules.map((it) => `+ ${it}`)]],
  sleep: ["", [decoder, pause + decoder], [server, `+ ${pause}`]],
  recv4: ["", [recv, "conn.recv(4)"], [server, `- ${recv}`, "+ conn.recv(4)"]],
};

/** In a network of its own, so that only this run meets the rules. */
const chain = ["type filter hook input priority 0", ...rules].join("\n");
const table = `table ip lossy {\n chain input {\n${chain}\n}\n}\n`;
const shell = `ip link set lo up && nft '${table}' && exec "$@"`;
const lossy = ["unshare", "--net", "sh", "-c", shell, "sh"];

async function record(name: string, [options, edit, changed]: Plan) {
  const { folder, replace } = await copyProject(lecturePort);
  if (edit) await replace("lecture1_server.ts", ...edit);
  const tool = join(folder, "scripts", "packets.ts");
  const command = [process.execPath, ...tsxLoader, tool, "--json", "-"];
  command.push(...options.split(" ").filter(Boolean));
  if (name === "lossy") command.unshift(...lossy);
  const output = await $`${command}`.nothrow(false);
  await rm(folder, { recursive: true });
  const { date, system, run: its, ...rest } = output.json();
  const isFirst = (side: string) => (packet: any) =>
    packet.from === side && packet.length;
  for (const side of name === "lossy" ? ["client", "server"] : [])
    rest.packets.find(isFirst(side)).lost = true;
  const recording = { date, system, run: its, changed, ...rest };
  const file = projectFile(`scripts/packets/recordings/${name}.json`);
  await writeFile(file, JSON.stringify(recording, null, 2));
  console.log(`${name}: ${rest.packets.length} packets`);
}

const [, , ...names] = process.argv;
for (const [name, plan] of Object.entries(plans))
  if (names.length === 0 || names.includes(name)) await record(name, plan);
