/** A comparison as a page for the wall: the answer, and the pictures it follows from. */
import { basename, dirname } from "node:path";
import stringWidth from "string-width";
import { designs } from "../designs.ts";
import type { Language } from "../language.ts";
import { loadCharts } from "../page/chart.ts";
import {
  escape,
  folded,
  jsonOf,
  list,
  page,
  paragraph,
  section,
} from "../page/frame.ts";
import {
  bars,
  curves,
  lastAnswerMs,
  latencies,
  mostClients,
  numberTicks,
  saidOf,
  tickTime,
  timelines,
  waits,
  type Pencil,
} from "./charts.ts";
import { moreRow, threadsOf } from "./picture.ts";
import type { Comparison, CtrlC, Load, ServerResult } from "./result.ts";
import { answer, details, notes, parity } from "./sentences.ts";
import { cellsOf } from "./table.ts";
import { texts, type Texts } from "./texts.ts";
import { megabytes, rate, time } from "./words.ts";

/** Characters of JSON that a page takes in; with hundreds of clients there are megabytes. */
const mostJson = 200_000;

/** The page, as HTML. */
export async function comparePage(
  comparison: Comparison,
  lang: Language,
): Promise<string> {
  const words = texts[lang];
  const charts = await loadCharts();
  const name = ({ design, language }: ServerResult) =>
    words.title(design, language);
  const pencil: Pencil = { charts, words, name };
  const { servers } = comparison;
  return page(
    lang,
    words.page.title,
    [
      list(answer(comparison, words), "answer"),
      list(notes(comparison, words), "notes"),
      whoWaited(servers, pencil),
      costs(servers, pencil),
      growth(servers, pencil),
      ctrlC(servers, pencil),
      figures(comparison, words),
      thisRun(comparison, words),
    ],
    style,
  );
}

function figure(caption: string, chart: string, kind = ""): string {
  return `<figure${kind && ` class="${kind}"`}><h3>${escape(caption)}</h3>${chart}</figure>`;
}

function whoWaited(all: ServerResult[], pencil: Pencil): string {
  const { words, name } = pencil;
  const servers = all.filter(({ stay }) => stay?.clients.length);
  if (servers.length === 0) return "";
  const endMs = lastAnswerMs(servers);
  const said = servers.flatMap(({ stay }) =>
    stay!.clients.map((run) => saidOf(run, words)),
  );
  const longest = said.toSorted((a, b) => stringWidth(b) - stringWidth(a))[0]!;
  const { page, picture } = words;
  return section(
    page.waited,
    legend(picture.legend[0]!),
    ...servers.map((server) => {
      const caption = basename(server.file) + threadsOf(server, words);
      const chart = waits(
        server,
        endMs,
        longest,
        pencil,
        `${page.waited}: ${name(server)}`,
      );
      const more = server.stay!.clients.slice(mostClients);
      return figure(
        caption,
        chart +
          (more.length ? paragraph(moreRow(more, words).trim(), "muted") : ""),
      );
    }),
  );
}

/** The picture's legend for the terminal, each sign in its colour. */
function legend(line: string): string {
  const items = line.split("  ").map((item) => {
    const [sign = "", ...rest] = item;
    return `<li><b>${/[·─]/.test(sign) ? sign.repeat(3) : sign}</b>${escape(rest.join(""))}</li>`;
  });
  return `<ul class="signs">${items.join("")}</ul>`;
}

function hasLoad(
  server: ServerResult,
): server is ServerResult & { load: Load } {
  const { load } = server;
  return (
    load !== undefined &&
    (load.connections === 1 || load.connections - load.unanswered > 1)
  );
}

function costs(all: ServerResult[], pencil: Pencil): string {
  const { words, name } = pencil;
  const { page } = words;
  const loaded = all.filter(hasLoad);
  const single = all.filter((server) => server.load && !hasLoad(server));
  const idle = all.filter(({ idle }) => idle);
  const threads = idle.filter(
    ({ idle }) => idle!.perClientThreads !== undefined,
  );
  const parts: string[] = [];
  if (loaded.length) {
    const { connections } = loaded[0]!.load;
    const windows = loaded.every(({ load }) => load.windows?.length);
    const caption = page.rate(connections);
    parts.push(
      figure(
        caption,
        bars(
          loaded,
          ({ load }) => load!.echoesPerSecond,
          ({ load }) => rate(load!),
          pencil,
          caption,
          false,
          windows ? rangeOf : undefined,
        ) + (windows ? paragraph(page.windows, "muted") : ""),
      ),
      latencyFigure(loaded, pencil),
    );
  }
  if (idle.length)
    parts.push(
      `<div class="pair">${[
        figure(
          page.memory,
          bars(
            idle,
            ({ idle }) => idle!.perClientMB,
            ({ idle }) => megabytes(idle!.perClientMB),
            pencil,
            page.memory,
            true,
          ),
        ),
        threads.length
          ? figure(
              page.threads,
              bars(
                threads,
                ({ idle }) => idle!.perClientThreads!,
                ({ idle }) =>
                  words.rows.threadsOf(Math.round(idle!.perClientThreads!)),
                pencil,
                page.threads,
                true,
              ),
            )
          : "",
      ].join("")}</div>`,
    );
  if (parts.length === 0) return "";
  if (single.length)
    parts.push(
      paragraph(page.oneAtATime(words.list(single.map(name))), "muted"),
    );
  return section(page.costs, ...parts);
}

function latencyFigure(
  servers: (ServerResult & { load: Load })[],
  pencil: Pencil,
): string {
  const { latency } = pencil.words.page;
  const known = servers.filter(({ load }) =>
    [load.p50Ms, load.p90Ms, load.p99Ms, load.oldestWaitMs].every(
      Number.isFinite,
    ),
  );
  return known.length ? figure(latency, latencies(known, pencil, latency)) : "";
}

function rangeOf({ load }: ServerResult): [number, number] {
  const rates = load!.windows.map(({ echoesPerSecond }) => echoesPerSecond);
  return [Math.min(...rates), Math.max(...rates)];
}

function growth(all: ServerResult[], pencil: Pencil): string {
  const { words } = pencil;
  const { grows } = words.page;
  const servers = all.filter(
    (server): server is ServerResult & { growth: Load[] } =>
      (server.growth ?? []).length > 1,
  );
  if (servers.length === 0) return "";
  const curve = (
    caption: string,
    value: (load: Load) => number | undefined,
    say: (load: Load) => string,
    tick: (value: number) => string,
    log = false,
  ) => {
    const chart = curves(servers, value, say, tick, log, pencil, caption);
    return chart && figure(caption, chart);
  };
  return section(
    words.headings.growth,
    servers.some(({ language }) => language === "Python")
      ? paragraph(grows.dashed, "muted")
      : "",
    curve(
      grows.rate,
      ({ echoesPerSecond }) => echoesPerSecond,
      rate,
      numberTicks,
    ),
    curve(
      grows.latency,
      ({ p99Ms }) => p99Ms,
      ({ p99Ms }) => time(p99Ms),
      tickTime,
      true,
    ),
    curve(
      grows.memory,
      ({ memoryWithMB }) => memoryWithMB,
      ({ memoryWithMB }) => megabytes(memoryWithMB!),
      (mb) => `${numberTicks(mb)} MB`,
    ),
  );
}

function ctrlC(all: ServerResult[], pencil: Pencil): string {
  const { page, rows } = pencil.words;
  const servers = all.filter(
    (server): server is ServerResult & { ctrlC: CtrlC } =>
      typeof server.ctrlC === "object",
  );
  const nowhere = all.some(({ ctrlC }) => typeof ctrlC === "string");
  if (servers.length === 0)
    return nowhere ? section(page.ctrlC, paragraph(rows.notHere)) : "";
  return section(
    page.ctrlC,
    paragraph(page.ctrlCAbout, "muted"),
    `<figure>${timelines(servers, pencil, page.ctrlC)}</figure>`,
  );
}

function figures(comparison: Comparison, words: Texts): string {
  const { head, lines } = cellsOf(comparison, true, words);
  const cells = (texts: string[]) =>
    texts
      .map((text) => `<td>${escape(text).replaceAll("\n", "<br>")}</td>`)
      .join("");
  const rows = lines.map(
    ([title = "", ...rest]) =>
      `<tr${title === words.rows.python ? ' class="python"' : ""}><th scope="row">${escape(title.trim())}</th>${cells(rest)}</tr>`,
  );
  const heads = head
    .slice(1)
    .map((text) => `<th scope="col">${escape(text)}</th>`);
  const { page } = words;
  return section(
    page.all,
    `<div class="scroll" role="region" aria-label="${escape(page.all)}" tabindex="0"><table>
<thead><tr><td></td>${heads.join("")}</tr></thead>
<tbody>${rows.join("\n")}</tbody></table></div>`,
    list([...parity(comparison, words), ...details(comparison, words)]),
  );
}

function thisRun(comparison: Comparison, words: Texts): string {
  const { machine, date, options, processesAtOnce, tookSeconds } = comparison;
  const { page } = words;
  const json = jsonOf(comparison);
  const about = [machine.runtime, machine.start, machine.system]
    .filter(Boolean)
    .join(", ");
  return section(
    page.run,
    paragraph(
      words.conditions(
        options.clients,
        processesAtOnce,
        machine.cores,
        tookSeconds.toFixed(1),
        about,
      ),
    ),
    paragraph(new Date(date).toLocaleString("sv")),
    paragraph(page.again),
    `<pre class="command" tabindex="0">${escape(commandOf(comparison))}</pre>`,
    json.length > mostJson ? paragraph(page.tooLong) : folded(page.json, json),
  );
}

/** The command that measures the same again. */
function commandOf({ options, servers }: Comparison): string {
  const { clients, stayMs, loadSeconds, grow } = options;
  const measured = designs.filter((design) =>
    servers.some((server) => server.design === design),
  );
  const python = servers.find(({ language }) => language === "Python");
  return [
    "npx tsx scripts/compare.ts",
    clients === 10 ? "" : `-n ${clients}`,
    stayMs === 1000 ? "" : `--stay ${stayMs}`,
    loadSeconds === 0.5 ? "" : `--load ${loadSeconds}`,
    grow ? "--grow" : "",
    measured.length === designs.length ? "" : `--only ${measured.join()}`,
    python ? `--python ${dirname(python.file)}` : "",
  ]
    .filter(Boolean)
    .join(" ");
}

const style = `
:root { --stay: #e3ebf7; }
@media (prefers-color-scheme: dark) { :root { --stay: #263144; } }
@media print { :root { --stay: #e3ebf7; } }
.answer { font-size: 1.25rem; line-height: 1.45; max-width: none; }
.answer li { margin: 0.25em 0; }
.signs { list-style: none; display: flex; flex-wrap: wrap; gap: 0.2em 2em; padding: 0; max-width: none; }
.signs b { color: var(--muted); }
.signs li:nth-child(2) b { color: var(--ink); }
.signs li:nth-child(3) b { color: var(--good); }
.signs li:nth-child(4) b { color: var(--bad); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0 2.66rem; break-inside: avoid; }
.pair .wide .chart { width: 100%; }
@media screen and (max-width: 1188px) { .signs { list-style: none; display: flex; flex-wrap: wrap; gap: 0.2em 2em; padding: 0; max-width: none; }
.signs b { color: var(--muted); }
.signs li:nth-child(2) b { color: var(--ink); }
.signs li:nth-child(3) b { color: var(--good); }
.signs li:nth-child(4) b { color: var(--bad); }
.pair { display: block; } .answer { font-size: 1.1rem; } }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.25em 1em 0.25em 0; border-top: 1px solid var(--line); font-variant-numeric: tabular-nums; }
.python th, .python td { border-top: 0; padding-top: 0; }
.python th[scope=row] { padding-left: 1.5em; }
th[scope=row] { font-weight: normal; color: var(--muted); }
tr { break-inside: avoid; }
`;
