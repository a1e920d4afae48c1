/** The runtimes that run the scripts without tsx, as far as they are installed. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** The version a program tells, or 0.0.0 where it tells none. */
function versionOf(program: string): string {
  try {
    const options = { encoding: "utf8", timeout: 10_000 } as const;
    const told = execFileSync(program, ["--version"], options);
    return told.match(/\d+\.\d+\.\d+/)?.[0] ?? "0.0.0";
  } catch {
    return "0.0.0";
  }
}

/** The first program of that name, beside this node or on the PATH, whose version is enough; 0.0.0 never is. */
function find(name: string, major = 0, minor = 1) {
  const extension = process.platform === "win32" ? ".exe" : "";
  return [
    dirname(process.execPath),
    ...(process.env.PATH ?? "").split(delimiter),
  ]
    .map((folder) => join(folder, name + extension))
    .filter(existsSync)
    .map((program) => ({ program, version: versionOf(program) }))
    .find(({ version }) => {
      const [a = 0, b = 0] = version.split(".").map(Number);
      return a > major || (a === major && b >= minor);
    });
}

/** Each with its arguments before the script's name; without a program where it is missing. */
export const runtimes = [
  { name: "node 22.18 or later", ...find("node", 22, 18), args: [] },
  { name: "deno", ...find("deno"), args: ["run", "-A"] },
  { name: "bun", ...find("bun"), args: [] },
];
