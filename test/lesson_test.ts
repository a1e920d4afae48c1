/**
 * A learner can do what the documents say, and sees the outputs that they show.
 */
import { pageNames, readPage, type Section } from "./helpers/documents.ts";
import { suite } from "./helpers/harness.ts";
import { follow } from "./helpers/lesson.ts";
import { hasCommands } from "./helpers/lessonSteps.ts";
import { notLinux } from "./helpers/machine.ts";

const test = suite("following the documents");

const sections = pageNames
  .flatMap((name) => readPage(name, "en").sections)
  .filter(hasCommands);

/** What went wrong in each section; undefined if nothing did. */
type Mistakes = Map<Section, unknown>;

let mistakes: Promise<Mistakes> | undefined;

/** Follows all sections; the second call waits for the same run. */
function followAll(): Promise<Mistakes> {
  mistakes ??= followEach();
  return mistakes;
}

async function followEach(): Promise<Mistakes> {
  const found: Mistakes = new Map();
  // Four at a time, since they wait a lot. All take theirs from one iterator.
  const rest = sections.values();
  async function worker(): Promise<void> {
    for (const section of rest) found.set(section, await mistakeIn(section));
  }
  await Promise.all([worker(), worker(), worker(), worker()]);
  return found;
}

async function mistakeIn(section: Section): Promise<unknown> {
  try {
    await follow(section);
    return undefined;
  } catch (error) {
    return error;
  }
}

for (const section of sections)
  test.unless(notLinux)(section.heading, async () => {
    const mistake = (await followAll()).get(section);
    if (mistake) throw mistake;
  });

test.run();
