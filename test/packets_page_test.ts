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
  const flaws = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) flaws.push("wider than the window");
  const boxes = [...document.querySelectorAll("p, th > span, td, .told > *, .arrow > *")]
    .filter((it) => !it.classList.contains("hidden"));
  const parts = boxes.map((it) => [it, it.getBoundingClientRect()]).filter(([, { width }]) => width);
  for (const [one, a] of parts) {
    if (a.left < -1 || a.right > innerWidth + 1) flaws.push(one.textContent + " leaves the window");
    const size = parseFloat(getComputedStyle(one).fontSize);
    if (one.textContent && size < Math.min(13, innerWidth / 100)) flaws.push(one.textContent + " is small");
    for (const [other, b] of parts)
      if (one !== other && !one.contains(other) && !other.contains(one) && one.textContent && other.textContent
        && !(innerWidth <= 700 && one.matches(".time, .words") && other.matches(".time, .words"))
        && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 4
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4)
        flaws.push(one.textContent + " overlaps " + other.textContent);
  }
  return flaws;
})()`;

for (const lang of languages)
  withBrowser(
    `${lang}: nothing overlaps on a wall, a laptop and a phone`,
    async () => {
      for (const name of [
        "hello",
        "long",
        "reset",
        "lossy",
        "robot",
        "refused",
      ])
        for (const [width, height] of [
          [1920, 1080],
          [1280, 800],
          [390, 844],
        ] as const) {
          const page = await open(pageOf(recorded(name), lang), width, height);
          assert.equal(await page.evaluate(misplaced), [], `${name}, ${width}`);
          await page.close();
        }
    },
  );

withBrowser(
  "ten packets, what is read and printed, and the legend: one screen",
  async () => {
    for (const lang of languages) {
      const page = await open(pageOf(recorded("hello"), lang), 1920, 1080);
      const height = await page.evaluate(
        "document.documentElement.scrollHeight",
      );
      assert.ok(Number(height) <= 1080, `${lang}: ${height}`);
      const size = await page.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('td')).fontSize)",
      );
      assert.ok(Number(size) >= 21, `${size}`);
      await page.close();
    }
  },
);

withBrowser(
  "an arrow points where its packet goes, and one that is lost doesn't arrive",
  async () => {
    const page = await open(pageOf(recorded("lossy")), 1280, 900);
    const ends = await page.evaluate<[boolean, boolean, number, number][]>(`
    [...document.querySelectorAll(".arrow")].map((it) => {
      const [lane, label] = [it.parentElement, it.lastElementChild].map((it) => it.getBoundingClientRect());
      const client = it.closest("tr").classList.contains("client");
      const style = getComputedStyle(it, "::after");
      const flipped = new DOMMatrix(style.transform).a < 0;
      const beyond = client ? lane.right - label.right : label.left - lane.left;
      return [client, flipped, beyond, parseFloat(style.width), parseFloat(client ? style.marginRight : style.marginLeft)];
    })`);
    const { packets } = recorded("lossy");
    assert.is(ends.length, packets.length);
    for (const [index, [client, flipped, beyond, width, short]] of (
      ends as number[][]
    ).entries()) {
      const { from, lost } = packets[index]!;
      assert.is(client, from === "client");
      assert.is(flipped, from === "server");
      assert.ok(width! > 20 && width! < beyond!, `${width} of ${beyond}`);
      assert.is(short! > 50, lost === true);
    }
  },
);

withBrowser(
  "axe finds nothing, light and dark, in both languages",
  async () => {
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
  },
);

withBrowser(
  "on paper: no row is cut, nothing is left out, arrows are drawn",
  async () => {
    const page = await open(pageOf(recorded("long")), 717, 1000);
    await page.emulateMedia({ media: "print" });
    const kept =
      "[...document.querySelectorAll('tr')].every((it) => getComputedStyle(it).breakInside === 'avoid')";
    assert.is(await page.evaluate(kept), true);
    assert.equal(await page.evaluate(misplaced), []);
    const exact =
      "getComputedStyle(document.querySelector('.arrow'), '::after').printColorAdjust";
    assert.is(await page.evaluate(exact), "exact");
    assert.ok((await page.pdf({ format: "A4" })).length > 10_000);
  },
);

test("each row says to a screen reader who does what; the yellow number is what lies unread", () => {
  const recording = recorded("hello");
  const html = pageOf(recording);
  const text = html
    .replace(/<style>[^]*<\/style>/, "")
    .replace(/<[^>]+>/g, " ")
    .replace(/\s+/g, " ");
  for (const says of [
    "client → server: [PSH, ACK] Seq=1 Ack=1 Len=14 Hello, Server! 14 carries 14 bytes",
    "server: reads 14 bytes",
    "client: Received from server: Hello, Server! prints",
    "SYN asks for a connection ACK confirms PSH hands to the program at once FIN nothing more from this side RST resets the connection",
    "A note.",
    "The end.",
  ])
    assert.ok(text.includes(says), `${says}\n${text}`);
  const counts = html.match(/<td class="count">14<\/td>/g);
  const { rows } = pictureOf(recording, inLanguage(pairs, "en"));
  const unread = rows
    .flatMap(({ unread }) => Object.values(unread))
    .filter(Boolean);
  assert.is(counts?.length, unread.length);
});

test("a page can't be driven by what was sent or printed", () => {
  const recording = recorded("hello");
  const evil = `<script>alert(1)</script>"'<img src=x>&`;
  recording.packets[3]!.text = recording.lines[2]!.text = evil;
  const html = pageOf(recording, "en", evil);
  assert.not.match(html, /<script|<img|https?:\/\//);
  assert.is(html.split("&lt;script&gt;alert(1)").length, 4);
});

test.run();
