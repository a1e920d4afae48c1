/** The page of packets, as HTML: its texts, and that nothing in it can run. */
import * as assert from "uvu/assert";
import { pictureOf } from "../scripts/packets/rows.ts";
import { pairs } from "../scripts/packets/texts.ts";
import { suite } from "./helpers/harness.ts";
import { english, recorded } from "./helpers/packetsTool.ts";
import { pageOf } from "./helpers/recordings.ts";

const test = suite("page of packets");

/** The texts of a page, without its tags. */
function textOf(html: string): string {
  const withoutTags = html.replace(/<style>[^]*<\/style>|<[^>]+>/g, " ");
  return withoutTags.replace(/\s+/g, " ");
}

const texts = [
  {
    title: "what the flags mean is above the rows",
    text:
      "A note. SYN asks to connect ACK acknowledges " +
      "PSH don't wait for more data FIN no more to send " +
      "RST resets the connection",
  },
  {
    title: "a packet's row has its direction, numbers, data and meaning",
    text:
      "client → server: [PSH, ACK] Seq=1 Ack=1 Len=14 Hello, Server! " +
      "14 sends 14 bytes",
  },
  {
    title: "a read's row has its side and its bytes",
    text: "server: reads 14 bytes",
  },
  {
    title: "a printed line's row has its side and the line",
    text: "client: Received from server: Hello, Server! prints",
  },
  { title: "a text below the picture is there", text: "The end." },
];

for (const { title, text } of texts)
  test(title, async () => {
    const html = pageOf(recorded("hello"), {
      above: ["A note."],
      below: ["The end."],
    });

    assert.ok(textOf(html).includes(text), textOf(html));
  });

test("there is a yellow number wherever bytes are unread", async () => {
  const html = pageOf(recorded("hello"));

  const { rows } = pictureOf(recorded("hello"), english);
  const numbers = rows.flatMap(({ unread }) => [unread.client, unread.server]);
  const unread = numbers.filter((bytes) => bytes > 0);
  const cells = html.split('<td class="count">14</td>');
  assert.is(cells.length - 1, unread.length);
});

test("a Korean page has no English sentence", async () => {
  const html = pageOf(recorded("lossy"), { language: "ko" });

  const text = textOf(html);
  for (const [sentence] of Object.values(pairs))
    if (typeof sentence === "string" && sentence.includes(" "))
      assert.not.ok(text.includes(sentence), sentence);
});

/** A text that would run a script if it weren't escaped. */
const evil = `<script>alert(1)</script>"'<img src=x>&`;

/** A page with evil texts in packets, in programs' lines, and in a note. */
function evilPage(): string {
  const recording = recorded("hello");
  recording.packets[3]!.text = evil;
  recording.lines[2]!.text = evil;
  return pageOf(recording, { above: [evil] });
}

test("no script, image or address is in a page", async () => {
  const html = evilPage();

  assert.not.match(html, /<script|<img|https?:\/\//);
});

test("tags that were sent or printed are shown as text", async () => {
  const html = evilPage();

  const places = html.split("&#60;script&#62;alert(1)").length - 1;
  assert.is(places, 3);
});

test.run();
