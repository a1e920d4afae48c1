/** The texts of packets in both languages. */
import stringWidth from "string-width";
import * as assert from "uvu/assert";
import type { Act } from "../scripts/packets/recording.ts";
import { pairs, type Texts } from "../scripts/packets/texts.ts";
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

test("each text has a Korean translation", async () => {
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

/** Whether a label has a number of bytes, for each act of a packet. */
const hasBytes: Record<Act["kind"], boolean> = {
  opens: false,
  agrees: false,
  refuses: false,
  resets: false,
  closes: false,
  connected: false,
  acknowledgesFin: false,
  sentAgain: false,
  copied: false,
  hasRoom: false,
  hasNoRoom: false,
  asksForRoom: false,
  keepAlive: false,
  answersKeepAlive: false,
  acknowledgesAgain: false,
  lost: false,
  carries: true,
  acknowledges: true,
  neverRead: true,
};

/** The labels of packets next to the ladder. */
function labelsOf(texts: Texts): string[] {
  const kinds = Object.keys(hasBytes) as Act["kind"][];
  return kinds.map((kind) =>
    hasBytes[kind] ? texts.counted(texts[kind], 9999) : texts[kind],
  );
}

for (const [language, texts] of Object.entries({ english, korean }))
  test(`each label in ${language} fits into 24 columns`, async () => {
    // A short run in 80 columns has this much room next to the ladder.
    for (const label of labelsOf(texts))
      assert.ok(stringWidth(label) <= 24, label);
  });

test.run();
