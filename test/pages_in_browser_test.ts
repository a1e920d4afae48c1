/**
 * The pages of the tools in a real browser: on a projector, a laptop, a phone
 * and paper.
 */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import * as assert from "uvu/assert";
import { besidePage } from "../scripts/beside/page.ts";
import { report } from "../scripts/beside/report.ts";
import { textsIn } from "../scripts/beside/texts.ts";
import { comparePage } from "../scripts/compare/page.ts";
import type { Run } from "../scripts/compare/result.ts";
import { languages, type Language } from "../scripts/language.ts";
import { projectFile } from "../scripts/project.ts";
import {
  closeBrowser,
  expectAccessible,
  expectReadable,
  expectSilent,
  expectUncut,
  expectZoomable,
  TestedPage,
  zoomedWindows,
  type Screen,
} from "./helpers/browserPages.ts";
import { suite } from "./helpers/harness.ts";
import { noBrowser } from "./helpers/machine.ts";
import { recorded } from "./helpers/packetsTool.ts";
import { pageOf } from "./helpers/recordings.ts";
import { besidePython, reportOf, serverOf } from "./helpers/runs.ts";

const test = suite("pages in a browser");
const withBrowser = test.unless(noBrowser());
test.after(closeBrowser);

/** The lecture's own run, of ten clients. */
const lecturesRun: Run = JSON.parse(
  readFileSync(projectFile("docs/compare.json"), "utf8"),
);

/**
 * Six servers, of which one has failed, and everything else that a page can
 * say.
 */
function runOfSix(): Run {
  const run = besidePython({ missing: ["lecture1_client.py"] });
  serverOf(run, "forever").failure = {
    step: "Ctrl+C",
    trouble: "died",
    detail: "1",
    lastLines: ["<b>"],
  };
  return run;
}

/** The same, with 200 clients of the first two servers. */
function runOf200Clients(): Run {
  const run = runOfSix();
  for (const { stay } of run.servers.slice(0, 2))
    stay!.clients = Array(200).fill(stay!.clients[1]);
  return run;
}

interface NamedScreen extends Screen {
  name: string;
}

const projector = { width: 1920, height: 1080 };

const compareScreens: NamedScreen[] = [
  { name: "a projector", ...projector, smallestTextPx: 21 },
  { name: "a laptop", width: 1280, height: 720, smallestTextPx: 15.9 },
  { name: "a phone", width: 390, height: 844, smallestTextPx: 14 },
  { name: "320 pixels", width: 320, height: 256, smallestTextPx: 13 },
];

for (const language of languages) {
  const pages = [
    { name: "the lecture's run", run: lecturesRun },
    { name: "200 clients", run: runOf200Clients() },
  ];
  for (const { name, run } of pages) {
    const tested = new TestedPage(comparePage(reportOf(run, language)));
    const title = `compare, ${language}, ${name}`;

    for (const screen of compareScreens)
      withBrowser(`${title}: all can be read on ${screen.name}`, () =>
        expectReadable(tested, screen),
      );

    if (run === lecturesRun)
      for (const windowPx of zoomedWindows)
        withBrowser(`compare, ${language}: zoom in ${windowPx} pixels`, () =>
          expectZoomable(tested, windowPx),
        );

    withBrowser(`${title}: it asks for nothing`, () => expectSilent(tested));

    if (run === lecturesRun)
      withBrowser(`${title}: answer and lanes on one screen`, async () => {
        const page = await tested.show(compareScreens[0]!);

        const lanes = page.locator("section:nth-child(3)");
        const box = await lanes.boundingBox();
        const bottom = box!.y + box!.height;
        assert.ok(bottom <= projector.height, `${bottom} px`);
      });
  }
}

const sixInKorean = new TestedPage(comparePage(reportOf(runOfSix(), "ko")));

withBrowser("compare: axe finds nothing", () =>
  expectAccessible(sixInKorean, { colorScheme: "light" }),
);

withBrowser("compare: the dark colors have enough contrast", () =>
  expectAccessible(sixInKorean, {
    colorScheme: "dark",
    onlyRule: "color-contrast",
  }),
);

/** A4 without its margins. */
const a4: Screen = {
  width: 703,
  height: 1017,
  smallestTextPx: 0,
  isPaper: true,
};
const large = new TestedPage(comparePage(reportOf(runOf200Clients(), "en")));

withBrowser("compare on paper: no panel and no row is cut", () =>
  expectUncut(large, a4),
);

withBrowser(
  "compare on paper: it is white, also if windows are dark",
  async () => {
    const page = await large.show(a4);
    await page.emulateMedia({ media: "print", colorScheme: "dark" });

    const background = "getComputedStyle(document.body).backgroundColor";
    assert.is(await page.evaluate(background), "rgb(255, 255, 255)");
  },
);

withBrowser("compare on paper: folded tables are printed", async () => {
  const page = await large.show(a4);

  const table = page.locator("details table").first();
  assert.ok(await table.isVisible());
});

withBrowser("compare: a key unfolds the further figures", async () => {
  const page = await large.show(compareScreens[0]!);
  const table = page.locator("details table").first();
  assert.not(await table.isVisible());

  await page.locator("summary").first().focus();
  await page.keyboard.press("Enter");
  assert.ok(await table.isVisible());

  await page.keyboard.press("Enter");
  assert.not(await table.isVisible());
});

withBrowser("compare on paper: two to five sheets", async () => {
  const page = await large.show(a4);

  const pdf = await page.pdf({ preferCSSPageSize: true });

  const sheets = pdf.toString("latin1").match(/\/Type \/Page\b/g)!;
  assert.ok(sheets.length >= 2, `${sheets.length} sheets`);
  assert.ok(sheets.length <= 5, `${sheets.length} sheets`);
});

const packetsProjector: NamedScreen = {
  name: "a projector",
  ...projector,
  smallestTextPx: 20,
};
const packetsPaper: NamedScreen = {
  name: "paper",
  width: 717,
  height: 1000,
  smallestTextPx: 0,
  isPaper: true,
};
const packetsScreens: NamedScreen[] = [
  packetsProjector,
  { name: "a laptop", width: 1280, height: 800, smallestTextPx: 13 },
  { name: "a phone", width: 390, height: 844, smallestTextPx: 13 },
  { name: "320 pixels", width: 320, height: 256, smallestTextPx: 13 },
  packetsPaper,
];

interface Look {
  recording: string;
  language: Language;
  /** Ten packets and the legend are on one screen of a projector. */
  isOneScreen?: boolean;
  /** The colors in which axe looks at the page. */
  axeScheme?: "light" | "dark";
}

const looks: Look[] = [
  { recording: "hello", language: "en", isOneScreen: true },
  { recording: "hello", language: "ko", isOneScreen: true },
  { recording: "forever", language: "ko", isOneScreen: true },
  { recording: "lossy", language: "en", axeScheme: "light" },
  { recording: "robot", language: "ko", axeScheme: "dark" },
  { recording: "long", language: "ko" },
  { recording: "reset", language: "en" },
  { recording: "refused", language: "ko" },
];

for (const { recording, language, isOneScreen, axeScheme } of looks) {
  const html = pageOf(recorded(recording), {
    language,
    above: ["A note."],
    below: ["The end."],
  });
  const tested = new TestedPage(html);
  const title = `packets, ${language}, ${recording}`;

  for (const screen of packetsScreens)
    withBrowser(`${title}: all can be read on ${screen.name}`, () =>
      expectReadable(tested, screen),
    );

  withBrowser(`${title}: on paper no row is cut`, () =>
    expectUncut(tested, packetsPaper),
  );

  withBrowser(`${title}: it asks for nothing`, () => expectSilent(tested));

  withBrowser(`${title}: an arrow for each packet`, async () => {
    const page = await tested.show(packetsProjector);

    const arrows = await page.evaluate("findArrows()");

    const { packets } = recorded(recording);
    const expected = packets.map(({ from, lost }) => {
      return { from, endsEarly: lost === true, isVisible: true };
    });
    assert.equal(arrows, expected);
  });

  if (recording === "hello")
    for (const windowPx of zoomedWindows)
      withBrowser(`${title}: zoom in ${windowPx} pixels`, () =>
        expectZoomable(tested, windowPx),
      );

  if (isOneScreen) {
    withBrowser(`${title}: all is on one screen`, async () => {
      const page = await tested.show(packetsProjector);

      const height = "document.documentElement.scrollHeight";
      const heightPx = await page.evaluate<number>(height);
      assert.ok(heightPx <= projector.height, `${heightPx} px`);
    });

    withBrowser(`${title}: the table's text is large`, async () => {
      const page = await tested.show(packetsProjector);

      const size = 'getComputedStyle(document.querySelector("td")).fontSize';
      const fontSize = await page.evaluate<string>(size);
      assert.ok(Number.parseFloat(fontSize) >= 21, fontSize);
    });
  }

  if (axeScheme)
    withBrowser(`${title}: axe finds nothing`, () =>
      expectAccessible(tested, { colorScheme: axeScheme }),
    );
}

/** The page of beside with our two originals. */
function pageBeside(language: Language): string {
  const names = ["lecture1_server_forever", "lecture1_server_forever_async"];
  const programs = names.map((name) => {
    const original = projectFile(`test/originals/${name}.py`);
    return {
      original: `${name}.py`,
      originalText: readFileSync(original, "utf8"),
      port: `${name}.ts`,
      portText: readFileSync(projectFile(`${name}.ts`), "utf8"),
    };
  });
  const notes = ["A note."];
  return besidePage(report(programs, notes, textsIn(language)), language);
}

const besideScreens: NamedScreen[] = [
  { name: "a projector", ...projector, smallestTextPx: 20 },
  { name: "a laptop", width: 1280, height: 720, smallestTextPx: 14 },
  { name: "a phone", width: 390, height: 844, smallestTextPx: 13 },
  { name: "320 pixels", width: 320, height: 256, smallestTextPx: 13 },
  packetsPaper,
];

for (const language of languages) {
  const tested = new TestedPage(pageBeside(language));
  const title = `beside, ${language}`;

  for (const windowPx of zoomedWindows)
    withBrowser(`${title}: zoom in ${windowPx} pixels`, () =>
      expectZoomable(tested, windowPx),
    );

  for (const screen of besideScreens)
    withBrowser(`${title}: all can be read on ${screen.name}`, () =>
      expectReadable(tested, screen),
    );

  withBrowser(`${title}: on paper no row is cut`, () =>
    expectUncut(tested, packetsPaper),
  );

  withBrowser(`${title}: it asks for nothing`, () => expectSilent(tested));

  for (const colorScheme of ["light", "dark"] as const)
    withBrowser(`${title}: axe finds nothing, ${colorScheme}`, () =>
      expectAccessible(tested, { colorScheme }),
    );

  withBrowser(`${title}: a pair's lines are side by side`, async () => {
    const page = await tested.show(besideScreens[1]!);

    const [original, port] = await boxesOfFirstPair(page);
    assert.is(port!.y, original!.y);
    assert.ok(port!.x > original!.x + 500, `${port!.x}`);
  });

  withBrowser(`${title}: on a phone one is under the other`, async () => {
    const page = await tested.show(besideScreens[2]!);

    const [original, port] = await boxesOfFirstPair(page);
    assert.is(port!.x, original!.x);
    assert.ok(port!.y > original!.y + 10, `${port!.y}`);
  });
}

/** Where the two cells of the first pair are, in pixels. */
async function boxesOfFirstPair(page: Page) {
  const cells = page.locator("tr.pair").first().locator("td");
  return [await cells.nth(0).boundingBox(), await cells.nth(1).boundingBox()];
}

test.run();
