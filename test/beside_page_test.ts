/** The page of `beside`, as HTML. pages_in_browser_test.ts opens it. */
import * as assert from "uvu/assert";
import { besidePage } from "../scripts/beside/page.ts";
import { report } from "../scripts/beside/report.ts";
import { textsIn } from "../scripts/beside/texts.ts";
import { languages, type Language } from "../scripts/language.ts";
import { suite } from "./helpers/harness.ts";

const test = suite("the page of beside");

interface Texts {
  original?: string;
  port?: string;
  language?: Language;
}

function pageOf({
  original = "data = s.recv()  # waits",
  port = "const data = await s.recv();",
  language = "en",
}: Texts): string {
  const programs = {
    original: "client.py",
    originalText: original,
    port: "lecture1_client.ts",
    portText: port,
  };
  const notes = ["A note."];
  return besidePage(report([programs], notes, textsIn(language)), language);
}

for (const language of languages)
  test(`it names its language and has its texts: ${language}`, async () => {
    const html = pageOf({ language });

    const { title, legend } = textsIn(language);
    assert.match(html, `<html lang="${language}">`);
    assert.match(html, `<h1>${title}</h1>`);
    assert.match(html, legend);
  });

test("each column has the name of its file", async () => {
  const html = pageOf({});

  assert.match(html, '<th scope="col">client.py</th>');
  assert.match(html, '<th scope="col">lecture1_client.ts</th>');
});

test("a pair is a row with the numbers of both lines", async () => {
  const html = pageOf({ original: "\ndata = s.recv()" });

  assert.match(
    html,
    `<tr class="pair">
<td><div><span class="number">2</span><code style="--indentation: 0">data = s.recv()</code></div></td>
<td><div><span class="number">1</span><code style="--indentation: 0"><mark>const</mark> data = <mark>await</mark> s.recv();</code></div></td>
</tr>`,
  );
});

test("a comment is muted", async () => {
  const html = pageOf({});

  assert.match(html, '<i class="comment"># waits</i>');
});

test("what wraps is indented as its line is", async () => {
  const html = pageOf({ port: "    data = s.recv();" });

  assert.match(html, '<code style="--indentation: 4">    data');
});

test("the sentence is below the table", async () => {
  const html = pageOf({ original: "go()\nstop()", port: "go();\nstop();" });

  const sentence =
    "All 2 statements of client.py have a counterpart in lecture1_client.ts.";
  assert.match(html, `</table>\n<p>${sentence}</p>`);
});

test("notes are on the page", async () => {
  assert.match(pageOf({}), '<p class="note">A note.</p>');
});

test("code is text, not HTML, and nothing in the page can run", async () => {
  const original = 'print("<script>alert(1)</script>")';
  const html = pageOf({ original, port: "// <img src=x>" });

  assert.not.match(html, /<script|<img|https?:\/\//);
});

test.run();
