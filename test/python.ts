/** Whether there is a Python to run the originals. */
import { python } from "../scripts/compare/programs.ts";
import { launch } from "../scripts/processes.ts";
import type { Why } from "./harness.ts";

// On Windows a program of this name may do nothing but offer the real one.
const { code } = await launch([python, "--version"]).exit();
export const noPython: Why = code !== 0 && `no ${python} here`;
