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
    const [what] = (error as Error).message.split(/\.\s|\n/);
    process.stderr.write(`${name}: ${what}; --help lists the options\n`);
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
