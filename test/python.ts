/** Whether there is a Python to run the originals. */
import { python } from "../scripts/compare/programs.ts";
import { run } from "../scripts/processes.ts";
import type { Why } from "./harness.ts";

// On Windows a program of this name may do nothing but offer the real one.
const { exitCode } = await run`${python} --version`;
export const noPython: Why = exitCode !== 0 && `no ${python} here`;
