/** The web page of compare, as HTML. pages_test.ts opens it in a browser. */
import * as assert from "uvu/assert";
import { comparePage } from "../scripts/compare/page.ts";
import { languages } from "../scripts/language.ts";
import { escape } from "../scripts/page.ts";
import { suite } from "./helpers/harness.ts";
import { aLongRun, aRun, reportOf, textsOf } from "./helpers/runs.ts";

const test = suite("the page of compare");

test("a lane's place is a part of the whole time", async () => {
  const html = comparePage(reportOf(aRun()));

  // From 10 ms to 120 ms of 1006 ms.
  assert.match(html, '<i style="left: 0.99%; right: 88.07%">');
});

const longRun = aLongRun();

const runs = [
  { name: "a run", run: aRun() },
  { name: "a long run", run: longRun },
];

for (const { name, run } of runs)
  for (const language of languages) {
    const html = comparePage(reportOf(run, language));

    test(`all texts of ${name} are on the page: ${language}`, async () => {
      const shown = html.replaceAll(/<[^>]*>/g, "").replaceAll("&nbsp;", " ");

      // The heading of the sentences is the terminal's only.
      const { answerTitle, ...shownParts } = reportOf(run, language);
      for (const text of textsOf(shownParts))
        assert.ok(shown.includes(escape(text)), `${text} is missing`);
    });

    test(`the page of ${name} names its language: ${language}`, async () => {
      assert.match(html, `<html lang="${language}">`);
    });

    test(`the page of ${name} has all values: ${language}`, async () => {
      assert.not.match(html, /NaN|undefined|Infinity/);
    });
  }

test("what a server has printed is text, not HTML", async () => {
  const html = comparePage(reportOf(longRun));

  assert.match(html, " / &#60;b&#62;</li>");
  assert.not.match(html, /<b>/);
});

test("a failure is listed", async () => {
  assert.is(reportOf(longRun).failures.length, 1);
});

test("a missing original is noted", async () => {
  assert.is(reportOf(longRun).notes.length, 1);
});

test.run();
