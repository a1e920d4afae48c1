/** The page of packets, in a real browser: on a wall, a phone and paper, and for those who can't see it. */
import { readFileSync } from "node:fs";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import * as assert from "uvu/assert";
import { inLanguage, languages, type Language } from "../scripts/language.ts";
import { packetsPage } from "../scripts/packets/page.ts";
import type { Recording } from "../scripts/packets/recording.ts";
import { pictureOf } from "../scripts/packets/rows.ts";
import { pairs } from "../scripts/packets/texts.ts";
import { projectFile } from "../scripts/processes.ts";
import { hasBrowser, startBrowser } from "./chromium.ts";
import { suite } from "./harness.ts";

const test = suite("packets' page");
const withBrowser = test.unless(!hasBrowser && "no /usr/bin/chromium");

function recorded(name: string): Recording {
  const file = projectFile(`scripts/packets/recordings/${name}.json`);
  return JSON.parse(readFileSync(file, "utf8"));
}

function pageOf(recording: Recording, lang: Language = "en", note = "A note.") {
  const say = inLanguage(pairs, lang);
  return packetsPage(
    pictureOf(recording, say),
    [[note], ["The end."]],
    lang,
    say,
  );
}

let browser: Browser | undefined;
test.after(() => browser?.close());

/** A tab with a page. */
async function open(
  html: string,
  width: number,
  height: number,
): Promise<Page> {
  browser ??= await startBrowser();
  const page = await browser.newPage({ viewport: { width, height } });
  await page.setContent(html);
  return page;
}

/** Texts that stand on one another or leave the window; found in the browser. */
const misplaced = `(() => {
  const parts = [...document.querySelectorAll("p, th > span, td.count, td.words, .told > *, .arrow > *")]
    .filter((it) => it.textContent && !it.classList.contains("hidden"))
    .map((it) => ({ it, said: it.textContent, box: it.getBoundingClientRect() }));
  const overlap = (a, b, from, to) => Math.min(a[to], b[to]) - Math.max(a[from], b[from]) > 4;
  return parts.flatMap(({ it, said, box: a }) => [
    ...(a.left < -1 || a.right > innerWidth + 1 ? [said + " leaves the window"] : []),
    ...parts
      .filter(({ it: other, box: b }) => other !== it && !other.contains(it) && !it.contains(other)
        && overlap(a, b, "left", "right") && overlap(a, b, "top", "bottom"))
      .map((other) => said + " overlaps " + other.said),
  ]);
})()`;

for (const lang of languages)
  withBrowser(`${lang}: on a wall, a laptop and a phone`, async () => {
    for (const name of ["hello", "long", "reset", "lossy", "robot", "refused"])
      for (const [width, height] of [
        [1920, 1080],
        [1280, 800],
        [390, 844],
      ] as const) {
        const page = await open(pageOf(recorded(name), lang), width, height);
        assert.equal(await page.evaluate(misplaced), [], `${name}, ${width}`);
        await page.close();
      }
  });

withBrowser("ten packets and the legend: one screen", async () => {
  for (const name of ["hello", "forever", "async"])
    for (const lang of languages) {
      const page = await open(pageOf(recorded(name), lang), 1920, 1080);
      const [height = 0, size = 0] = await page.evaluate<number[]>(`[
        document.documentElement.scrollHeight,
        parseFloat(getComputedStyle(document.querySelector("td")).fontSize),
      ]`);
      assert.ok(height <= 1080 && size >= 21, `${name}: ${height}, ${size}`);
      await page.close();
    }
});

withBrowser("an arrow points where its packet goes", async () => {
  const page = await open(pageOf(recorded("lossy")), 1280, 900);
  const arrows = await page.evaluate<unknown[][]>(`
    [...document.querySelectorAll(".arrow")].map((it) => {
      const style = getComputedStyle(it, "::after");
      const left = new DOMMatrix(style.transform).a < 0;
      const short = parseFloat(left ? style.marginLeft : style.marginRight) > 50;
      return [left, short, parseFloat(style.width) > 40];
    })`);
  const { packets } = recorded("lossy");
  const wanted = packets.map(({ from, lost }) => [
    from === "server",
    lost === true,
    true,
  ]);
  assert.equal(arrows, wanted);
});

withBrowser("axe finds nothing, light and dark", async () => {
  for (const [lang, scheme, name] of [
    ["en", "light", "lossy"],
    ["ko", "dark", "robot"],
    ["ko", "light", "reset"],
    ["en", "dark", "recv4"],
  ] as const) {
    const page = await open(pageOf(recorded(name), lang), 1280, 900);
    await page.emulateMedia({ colorScheme: scheme });
    await page.addScriptTag({ content: axe.source });
    const { violations } = await page.evaluate<axe.AxeResults>("axe.run()");
    const said = violations.map(({ id, nodes }) => [id, nodes[0]!.html]);
    assert.equal(said, [], `${lang}, ${scheme}`);
    await page.close();
  }
});

withBrowser("on paper no row is cut", async () => {
  const page = await open(pageOf(recorded("long")), 717, 1000);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.evaluate(misplaced), []);
  const styles = await page.evaluate(`[
    getComputedStyle(document.querySelector("tr")).breakInside,
    getComputedStyle(document.querySelector(".arrow"), "::after").printColorAdjust,
  ]`);
  assert.equal(styles, ["avoid", "exact"]);
});

test("each row says who does what; the yellow number is what lies unread", async () => {
  const html = pageOf(recorded("hello")).replace(/<style>[^]*<\/style>/, "");
  const text = html.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
  const says = `
    A note. SYN asks for a connection ACK confirms PSH hands to the program at once FIN nothing more from this side RST resets the connection
    client → server: [PSH, ACK] Seq=1 Ack=1 Len=14 Hello, Server! 14 carries 14 bytes
    server: reads 14 bytes
    client: Received from server: Hello, Server! prints
    The end.`;
  for (const line of says.trim().split(/\n\s*/))
    assert.ok(text.includes(line), line);
  const { rows } = pictureOf(recorded("hello"), inLanguage(pairs, "en"));
  const unread = rows
    .flatMap(({ unread }) => Object.values(unread))
    .filter(Boolean);
  assert.is(html.split('<td class="count">14</td>').length - 1, unread.length);
});

test("a page can't be driven by what was sent or printed", async () => {
  const recording = recorded("hello");
  const evil = `<script>alert(1)</script>"'<img src=x>&`;
  recording.packets[3]!.text = recording.lines[2]!.text = evil;
  const html = pageOf(recording, "en", evil);
  assert.not.match(html, /<script|<img|https?:\/\//);
  assert.is(html.split("&lt;script&gt;alert(1)").length, 4);
});

test.run();
