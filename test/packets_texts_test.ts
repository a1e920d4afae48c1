/** The texts of packets in both languages. */
import stringWidth from "string-width";
import * as assert from "uvu/assert";
import { pairs } from "../scripts/packets/texts.ts";
import { suite } from "./helpers/harness.ts";
import { english, korean } from "./helpers/packetsTool.ts";

const test = suite("texts of packets");

/** The Korean texts by their names, with X and 7 for their values. */
function koreanTexts(): [name: string, text: string][] {
  return Object.entries(pairs).map(([name, [, text]]) => [name, filled(text)]);
}

function filled(text: string | ((...values: any[]) => string)): string {
  return typeof text === "string" ? text : text("X", 7);
}

test("each text has another one in Korean", async () => {
  for (const [name, text] of koreanTexts()) assert.match(text, /[가-힣]/, name);
});

test("no Korean particle follows a value", async () => {
  // Which particle is right depends on the value's last sound.
  const particle = /[X7](은|는|이|가|을|를|와|과|로|으로)(\s|$)/;

  for (const [name, text] of koreanTexts())
    assert.not.match(text, particle, name);
});

test("the help lists the same options in both languages", async () => {
  const option = /^ +--\w+/gm;

  assert.equal(english.usage.match(option), korean.usage.match(option));
});

for (const [language, { usage }] of Object.entries({ english, korean }))
  test(`the help in ${language} fits into 80 columns`, async () => {
    for (const line of usage.split("\n"))
      assert.ok(stringWidth(line) <= 80, line);
  });

test.run();
