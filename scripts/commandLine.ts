/** What the command lines of compare and packets have in common. */
import { writeFile } from "node:fs/promises";
import { chalk } from "zx";

/**
 * Reads the command line; on --help or a mistake it says what to write and exits.
 *
 * @param name the script's name, which begins its messages
 * @param usage the text of --help
 * @param parse reads the arguments; throws an Error that says what is wrong
 */
export function readOptions<T extends { help: boolean }>(
  name: string,
  usage: string,
  parse: (args: string[]) => T,
): T {
  if (process.env.NO_COLOR) chalk.level = 0;
  try {
    const options = parse(process.argv.slice(2));
    if (!options.help) return options;
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  } catch (error) {
    // Of several lines the last one says what to write.
    const what = (error as Error).message.split("\n").at(-1)!.split(". ")[0]!;
    process.stderr.write(
      `${name}: ${what.replace(/\.$/, "")}; --help lists the options\n`,
    );
    process.exit(2);
  }
}

/** Writes the JSON that --json asks for; where it can't, it says so and exits. */
export async function writeJson(
  name: string,
  file: string,
  result: object,
): Promise<void> {
  const text = `${JSON.stringify(result, null, 2)}\n`;
  if (file === "-") return void process.stdout.write(text);
  await writeFile(file, text).catch(({ code }: NodeJS.ErrnoException) => {
    process.stderr.write(
      `${name}: can't write ${file} (${code}), check --json\n`,
    );
    process.exit(1);
  });
}

/**
 * Ends the script early when the user says so, by Ctrl+C or by closing the terminal,
 * and when its output can't be written. It ends once, however often that comes: npm
 * passes on the Ctrl+C that the terminal has sent already.
 *
 * @param name the script's name, which begins its messages
 * @param stop ends what was started, then the process with this exit code
 */
export function endEarly(
  name: string,
  stop: (code: number) => Promise<void>,
): void {
  let ending = false;
  function end(code: number): void {
    if (!ending) void stop(code);
    ending = true;
  }
  process.on("SIGHUP", () => end(129));
  process.on("SIGINT", () => end(130));
  process.on("SIGTERM", () => end(143));
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code !== "EPIPE" && !ending)
      // else whoever read it has gone
      process.stderr.write(`${name}: can't write the output (${code})\n`);
    end(1);
  });
}
