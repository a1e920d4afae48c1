/** The page of packets, in a real browser: on a wall, a phone and paper, and for those who can't see it. */
import axe from "axe-core";
import type { Browser } from "playwright-core";
import * as assert from "uvu/assert";
import type { Language } from "../scripts/language.ts";
import { packetsPage } from "../scripts/packets/page.ts";
import type { Recording } from "../scripts/packets/recording.ts";
import { pictureOf } from "../scripts/packets/rows.ts";
import { pairs } from "../scripts/packets/texts.ts";
import { suite } from "./harness.ts";
import { noBrowser, startBrowser } from "./here.ts";
import { english, korean, recorded } from "./packets.ts";

const test = suite("packets' page");
const withBrowser = test.unless(noBrowser());

function pageOf(recording: Recording, lang: Language = "en", note = "A note.") {
  const say = lang === "en" ? english : korean;
  const around: [string[], string[]] = [[note], ["The end."]];
  return packetsPage(pictureOf(recording, say), around, lang, say);
}

let browser: Browser | undefined;
test.after(() => browser?.close());

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

/** Of each arrow whether it points to the left, ends short, and is long enough to be seen. */
const arrows = `[...document.querySelectorAll(".arrow")].map((it) => {
  const style = getComputedStyle(it, "::after");
  const left = new DOMMatrix(style.transform).a < 0;
  const short = parseFloat(left ? style.marginLeft : style.marginRight) > 50;
  return [left, short, parseFloat(style.width) > 20];
})`;

/** How high the page is, how large its text, and what is said for paper. */
const styles = `[
  document.documentElement.scrollHeight,
  parseFloat(getComputedStyle(document.querySelector("td")).fontSize),
  getComputedStyle(document.querySelector("tr")).breakInside,
  getComputedStyle(document.querySelector(".arrow"), "::after").printColorAdjust,
]`;

/** Recordings and languages: ten packets and the legend fit on one screen; axe looks at some. */
const ten = ["hello", "forever", "async"];
const oneScreen = ten.flatMap((name) => [`${name} en`, `${name} ko`]);
const accessible = ["lossy en", "lossy ko", "reset en", "robot ko"];

for (const look of [...oneScreen, ...accessible, "long ko", "refused ko"])
  withBrowser(`${look}: on a wall, a laptop, a phone, on paper`, async () => {
    const [name, lang] = look.split(" ") as [string, Language];
    const colorScheme = lang === "en" ? "light" : "dark";
    const recording = recorded(name);
    browser ??= await startBrowser();
    const page = await browser.newPage({ colorScheme });
    await page.setContent(pageOf(recording, lang));
    for (const [width, height, media] of [
      [1280, 800, "screen"],
      [390, 844, "screen"],
      [717, 1000, "print"],
      [1920, 1080, "screen"],
    ] as const) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ media });
      assert.equal(await page.evaluate(misplaced), [], `${width}`);
    }
    const [high, size, ...paper] = await page.evaluate<number[]>(styles);
    if (oneScreen.includes(look))
      assert.ok(high! <= 1080 && size! >= 21, `${high}, ${size}`);
    assert.equal(paper, ["avoid", "exact"]);
    const wanted = recording.packets.map(({ from, lost }) => [
      ...[from === "server", lost === true, true],
    ]);
    assert.equal(await page.evaluate(arrows), wanted);
    if (!accessible.includes(look)) return page.close();
    await page.addScriptTag({ content: axe.source });
    const { violations } = await page.evaluate<axe.AxeResults>("axe.run()");
    const said = violations.map(({ id, nodes }) => [id, nodes[0]!.html]);
    assert.equal(said, []);
    await page.close();
  });

/** What stands on a page, without its tags. */
const textOf = (html: string) =>
  html.replace(/<style>[^]*<\/style>|<[^>]+>/g, " ").replace(/\s+/g, " ");

test("each row says who does what; the yellow number is what lies unread", async () => {
  const html = pageOf(recorded("hello"));
  const says = `
    A note. SYN asks for a connection ACK confirms PSH hands to the program at once FIN nothing more from this side RST resets the connection
    client → server: [PSH, ACK] Seq=1 Ack=1 Len=14 Hello, Server! 14 carries 14 bytes
    server: reads 14 bytes
    client: Received from server: Hello, Server! prints
    The end.`;
  for (const line of says.trim().split(/\n\s*/))
    assert.ok(textOf(html).includes(line), line);
  const { rows } = pictureOf(recorded("hello"), english);
  const unread = rows.flatMap(({ unread }) => Object.values(unread));
  const counts = html.split('<td class="count">14</td>').length - 1;
  assert.is(counts, unread.filter(Boolean).length);
});

test("a Korean page says nothing in English", async () => {
  const text = textOf(pageOf(recorded("lossy"), "ko"));
  for (const [sentence] of Object.values(pairs))
    if (typeof sentence === "string" && sentence.includes(" "))
      assert.not.ok(text.includes(sentence), sentence);
});

test("a page can't be driven by what was sent or printed", async () => {
  const recording = recorded("hello");
  const evil = `<script>alert(1)</script>"'<img src=x>&`;
  recording.packets[3]!.text = recording.lines[2]!.text = evil;
  const html = pageOf(recording, "en", evil);
  assert.not.match(html, /<script|<img|https?:\/\//);
  assert.is(html.split("&#60;script&#62;alert(1)").length, 4);
});

test.run();
