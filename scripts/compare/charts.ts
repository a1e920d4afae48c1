/** The pictures of a comparison's page, each for a wall and for a phone. */
import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";
import {
  fontSize,
  widths,
  type Charts,
  type Marks,
  type Width,
} from "../page/chart.ts";
import type { ClientRun, CtrlC, Load, ServerResult } from "./result.ts";
import type { Texts } from "./texts.ts";
import { megabytes, rate, time, waitOf } from "./words.ts";

/** Rows for the clients of one server at most. */
export const mostClients = 40;

/** A chart's width, half of it where two stand side by side. */
const widthOf = (width: Width, half: boolean) =>
  half && width === "wide" ? (widths.wide - 48) / 2 : widths[width];

/** What a picture of several servers draws with. */
export interface Pencil {
  charts: Charts;
  words: Texts;
  name(server: ServerResult): string;
}

const colourOf = ({ design }: ServerResult) => `var(--${design})`;

/** Python's are paler, and dashed: the same design in another language. */
const opacityOf = ({ language }: ServerResult) =>
  language === "Python" ? 0.55 : 1;

/** Pixels that a text takes at most. */
const textWidth = (text: string) => stringWidth(text) * 0.62 * fontSize;

/** Numbers of an axis of time. */
export const tickTime = (ms: number) =>
  ms >= 1000 ? `${ms / 1000} s` : ms ? `${ms} ms` : "0";

export const numberTicks = (number: number) => number.toLocaleString("en-US");

const muted = { fill: "var(--muted)" } as const;
const exact = (ms: number) => ms.toFixed(1);

// ---- Who waited -----------------------------------------------------------

/** When the last client of any server had its answer: where the common axis ends. */
export function lastAnswerMs(servers: ServerResult[]): number {
  return Math.max(
    ...servers.flatMap(({ stay }) => [
      stay!.leftMs,
      ...stay!.clients.map((run) => run.reportedMs ?? run.endedMs),
    ]),
  );
}

/** What stands behind a client's row: what became of it, and how long it waited. */
export function saidOf(run: ClientRun, words: Texts): string {
  const wait = waitOf(run);
  const outcome = run.outcome === "answered" ? "" : words.outcomes[run.outcome];
  return `${outcome} ${wait === undefined ? "" : time(wait)}`.trim();
}

/**
 * A row for each client: its start, its connection, its wait, its end.
 *
 * @param endMs where the axis ends, for all servers
 * @param longest the longest text behind a row, of all servers
 */
export function waits(
  { stay }: ServerResult,
  endMs: number,
  longest: string,
  { charts, words }: Pencil,
  label: string,
): string {
  const { Plot, draw, both } = charts;
  const { leftMs } = stay!;
  const clients = stay!.clients.slice(0, mostClients);
  const rowHeight = 26;
  const clientsTop = 32;
  const bottom = clientsTop + clients.length * rowHeight + 6;
  return both((width) => {
    const end = (run: ClientRun) => run.reportedMs ?? run.endedMs;
    const yOf = (index: number) => clientsTop + (index + 0.5) * rowHeight;
    const said = (run: ClientRun) => saidOf(run, words);
    const [left, right] = [36, textWidth(longest) + 18];
    const title = (run: ClientRun, index: number) =>
      words.page.client(
        index + 1,
        exact(run.startedMs),
        run.connectedMs === undefined ? undefined : exact(run.connectedMs),
        words.outcomes[run.outcome],
        exact(end(run)),
      );
    const good = clients.flatMap((run, index) =>
      run.outcome === "answered" ? [{ run, index }] : [],
    );
    const bad = clients.flatMap((run, index) =>
      run.outcome === "answered" ? [] : [{ run, index }],
    );
    const marks: Marks = [
      Plot.rect([0], {
        x1: 0,
        x2: leftMs,
        y1: 0,
        y2: bottom,
        fill: "var(--stay)",
        title: () => words.page.stays(`${exact(leftMs)} ms`),
      }),
      Plot.text([words.page.stays(time(leftMs))], {
        x: 0,
        y: 16,
        dx: 6,
        textAnchor: "start",
      }),
      Plot.link(clients, {
        x1: (run: ClientRun) => run.startedMs,
        x2: (run: ClientRun) => run.connectedMs ?? end(run),
        y1: (_: ClientRun, index: number) => yOf(index),
        y2: (_: ClientRun, index: number) => yOf(index),
        stroke: "var(--muted)",
        strokeWidth: 2,
        strokeDasharray: "2 5",
      }),
      ...[
        { runs: good, colour: "var(--good)" },
        { runs: bad, colour: "var(--bad)" },
      ].map(({ runs, colour }) =>
        Plot.link(runs, {
          x1: ({ run }) => run.connectedMs ?? end(run),
          x2: ({ run }) => end(run),
          y1: ({ index }) => yOf(index),
          y2: ({ index }) => yOf(index),
          stroke: colour,
          strokeWidth: 5,
        }),
      ),
      Plot.dot(good, {
        x: ({ run }) => end(run),
        y: ({ index }) => yOf(index),
        r: 6,
        fill: "var(--good)",
      }),
      Plot.dot(bad, {
        x: ({ run }) => end(run),
        y: ({ index }) => yOf(index),
        r: 6,
        symbol: "times",
        stroke: "var(--bad)",
        strokeWidth: 3.5,
      }),
      Plot.text(clients, {
        x: end,
        y: (_: ClientRun, index: number) => yOf(index),
        text: said,
        dx: 13,
        textAnchor: "start",
      }),
      Plot.text(clients, {
        x: 0,
        y: (_: ClientRun, index: number) => yOf(index),
        text: (_: ClientRun, index: number) => String(index + 1),
        dx: -10,
        textAnchor: "end",
        ...muted,
      }),
      // Over all of it, so that hovering a row tells its times.
      Plot.rect(clients, {
        x1: 0,
        x2: endMs,
        y1: (_: ClientRun, index: number) => yOf(index) - rowHeight / 2,
        y2: (_: ClientRun, index: number) => yOf(index) + rowHeight / 2,
        fill: "transparent",
        title,
      }),
      Plot.axisX({
        anchor: "bottom",
        ticks: width === "wide" ? 8 : 3,
        tickFormat: tickTime,
        color: "var(--muted)",
        fontSize,
      }),
    ];
    return draw(label, {
      width: widths[width],
      height: bottom + 34,
      marginTop: 0,
      marginBottom: 34,
      marginLeft: left,
      marginRight: right,
      x: { domain: [0, endMs], axis: null },
      y: { domain: [bottom, 0], range: [bottom, 0], axis: null },
      marks,
    });
  });
}

// ---- What it costs --------------------------------------------------------

/** A bar for each server, with its number behind it. */
export function bars(
  servers: ServerResult[],
  value: (server: ServerResult) => number,
  say: (server: ServerResult) => string,
  { charts, name }: Pencil,
  label: string,
  half: boolean,
  range?: (server: ServerResult) => [number, number],
): string {
  const { Plot, draw, both } = charts;
  return both((width) => {
    const narrow = width === "narrow";
    const [rowHeight, barAt] = narrow ? [56, 38] : [40, 20];
    const most = Math.max(
      1e-9,
      ...servers.map((server) =>
        Math.max(value(server), range?.(server)[1] ?? 0),
      ),
    );
    const names =
      Math.max(...servers.map((server) => textWidth(name(server)))) + 12;
    const numbers =
      Math.max(...servers.map((server) => textWidth(say(server)))) + 14;
    const y = (server: ServerResult) =>
      servers.indexOf(server) * rowHeight + barAt;
    const end = (server: ServerResult) =>
      Math.max(value(server), range?.(server)[1] ?? 0);
    const title = (server: ServerResult) =>
      [
        `${name(server)}: ${value(server).toFixed(2)}`,
        ...(range
          ? [
              range(server)
                .map((one) => one.toFixed(2))
                .join(" – "),
            ]
          : []),
      ].join("\n");
    const marks: Marks = [
      Plot.rect(servers, {
        x1: 0,
        x2: value,
        y1: (server) => y(server) - 12,
        y2: (server) => y(server) + 12,
        fill: colourOf,
        fillOpacity: opacityOf,
        title,
      }),
      Plot.link([0], {
        x1: 0,
        x2: 0,
        y1: 0,
        y2: servers.length * rowHeight,
        stroke: "var(--ink)",
      }),
      ...(range
        ? [
            Plot.link(servers, {
              x1: (server) => range(server)[0],
              x2: (server) => range(server)[1],
              y1: y,
              y2: y,
              stroke: "var(--ink)",
              strokeWidth: 2,
              title,
            }),
          ]
        : []),
      Plot.text(servers, {
        x: end,
        y,
        text: say,
        dx: 8,
        textAnchor: "start",
        title,
        fontWeight: "bold",
      }),
      Plot.text(
        servers,
        narrow
          ? {
              x: 0,
              y: (server) => y(server) - 27,
              text: name,
              textAnchor: "start",
              dx: 2,
            }
          : { x: 0, y, text: name, dx: -10, textAnchor: "end" },
      ),
    ];
    return draw(label, {
      width: widthOf(width, half),
      height: servers.length * rowHeight,
      margin: 0,
      marginLeft: narrow ? 2 : names,
      marginRight: numbers,
      x: { domain: [0, most], axis: null },
      y: { type: "identity", axis: null },
      color: { type: "identity" },
      opacity: { type: "identity" },
      marks,
    });
  });
}

/** The four figures of a latency, and the sign of each. */
function figuresOf({ p50Ms, p90Ms, p99Ms, oldestWaitMs }: Load, words: Texts) {
  return [
    { title: "p50", sign: "circle", ms: p50Ms },
    { title: "p90", sign: "diamond2", ms: p90Ms },
    { title: "p99", sign: "square", ms: p99Ms },
    { title: words.page.longest, sign: "triangle", ms: oldestWaitMs },
  ] as const;
}

/** p50, p90, p99 and the longest of each server on a log axis, and the numbers beside it. */
export function latencies(
  servers: (ServerResult & { load: Load })[],
  { charts, words, name }: Pencil,
  label: string,
): string {
  const { Plot, draw, both } = charts;
  const all = servers.flatMap(({ load }) =>
    figuresOf(load, words).map(({ ms }) => Math.max(ms, 1e-3)),
  );
  const ticks = powers(Math.min(...all), Math.max(...all));
  return both((width) => {
    const narrow = width === "narrow";
    const [rowHeight, at, headHeight] = narrow ? [96, 42, 34] : [44, 20, 38];
    const names =
      Math.max(...servers.map((server) => textWidth(name(server)))) + 20;
    const column = narrow ? widths.narrow / 4 : 112;
    const left = narrow ? 36 : names;
    const right = narrow ? 40 : 4 * column + 30;
    const firstColumn = narrow
      ? column / 2
      : widths.wide - 4 * column + column / 2;
    const bottom = headHeight + servers.length * rowHeight;
    const y = (index: number) => headHeight + index * rowHeight + at;
    const points = servers.flatMap((server, index) =>
      figuresOf(server.load, words).map((figure, column) => ({
        ...figure,
        server,
        index,
        column,
        ms: Math.max(figure.ms, 1e-3),
      })),
    );
    type Point = (typeof points)[number];
    const title = ({ server, title, ms }: Point) =>
      `${name(server)} ${title}: ${ms.toFixed(3)} ms`;
    const columnX = ({ column: index }: { column: number }) =>
      firstColumn + index * column;
    const heads = figuresOf(servers[0]!.load, words).map((figure, column) => ({
      ...figure,
      column,
    }));
    const scale = Plot.scale({
      x: {
        type: "log",
        domain: edges(ticks),
        range: [left, widths[width] - right],
      },
    });
    const x = (ms: number) => scale.apply(ms) as number;
    const marks: Marks = [
      Plot.link(ticks, {
        x1: x,
        x2: x,
        y1: headHeight,
        y2: bottom + 4,
        stroke: "var(--line)",
      }),
      Plot.text(ticks, { x, y: bottom + 18, text: tickTime, ...muted }),
      Plot.link(servers, {
        x1: ({ load }) => x(Math.max(load.p50Ms, 1e-3)),
        x2: ({ load }) => x(Math.max(load.oldestWaitMs, 1e-3)),
        y1: (_, index) => y(index),
        y2: (_, index) => y(index),
        stroke: colourOf,
        strokeOpacity: 0.4,
        strokeWidth: 4,
      }),
      ...(["circle", "diamond2", "square", "triangle"] as const).map((sign) =>
        Plot.dot(
          points.filter((point) => point.sign === sign),
          {
            x: ({ ms }) => x(ms),
            y: ({ index }) => y(index),
            symbol: sign,
            r: 7,
            fill: ({ server }) => colourOf(server),
            stroke: "var(--paper)",
            title,
          },
        ),
      ),
      ...heads.map((head) =>
        Plot.dot([head], {
          x: (head) => columnX(head) - textWidth(head.title) / 2 - 10,
          y: 14,
          symbol: head.sign,
          r: 6,
          fill: "var(--muted)",
        }),
      ),
      Plot.text(heads, { x: columnX, y: 14, text: "title", ...muted }),
      Plot.text(points, {
        x: columnX,
        y: ({ index }) => y(index) + (narrow ? 30 : 0),
        text: ({ ms }) => time(ms),
        title,
      }),
      Plot.text(
        servers,
        narrow
          ? {
              x: 0,
              y: (_, index) => y(index) - 28,
              text: name,
              textAnchor: "start",
              fontWeight: "bold",
            }
          : {
              x: names - 20,
              y: (_, index) => y(index),
              text: name,
              textAnchor: "end",
            },
      ),
    ];
    return draw(label, {
      width: widths[width],
      height: bottom + 32,
      margin: 0,
      x: { type: "identity", axis: null },
      y: { type: "identity", axis: null },
      color: { type: "identity" },
      marks,
    });
  });
}

// ---- How it grows ---------------------------------------------------------

/** A curve for each server over the number of its connections. */
export function curves(
  servers: (ServerResult & { growth: Load[] })[],
  value: (load: Load) => number | undefined,
  say: (load: Load) => string,
  tick: (value: number) => string,
  log: boolean,
  { charts, words, name }: Pencil,
  label: string,
): string {
  const { Plot, draw, both } = charts;
  const lines = servers
    .map((server) => ({
      server,
      points: server.growth.flatMap((load) => {
        const y = value(load);
        const x = load.connections - load.unanswered;
        return y === undefined || x < 1 || (log && y <= 0)
          ? []
          : [{ x, y, load, server }];
      }),
    }))
    .filter(({ points }) => points.length > 1);
  if (lines.length === 0) return "";
  const all = lines.flatMap(({ points }) => points);
  const values = all.map(({ y }) => y);
  return both((width) => {
    const narrow = width === "narrow";
    const [plotHeight, top] = [260, 12];
    const bottom = 60 + (narrow ? lines.length * 26 : 0);
    const height = plotHeight + bottom;
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const y = log
      ? { type: "log" as const, domain: powers(low, high) }
      : { type: "linear" as const, domain: [0, high * 1.02] };
    const { apply } = Plot.scale({
      y: { ...y, domain: edges(y.domain), range: [height - bottom, top] },
    });
    const told = ({ server, points }: (typeof lines)[number]) =>
      `${name(server)} ${say(points.at(-1)!.load)}`;
    const sample = 40;
    const longest = Math.max(...lines.map((line) => textWidth(told(line))));
    const right = narrow ? 14 : longest + sample + 22;
    const ends = lines.map((line) => ({
      line,
      at: apply(line.points.at(-1)!.y) as number,
    }));
    const labels = spread(ends, 24, plotHeight);
    if (narrow)
      for (const [index, label] of labels.entries())
        label.at = plotHeight + 72 + index * 26;
    const [least, most] = edges(
      all.map(({ x }) => x).toSorted((a, b) => a - b),
    );
    const dashes = ({ language }: ServerResult) =>
      language === "Python" ? "8 6" : "none";
    const title = ({ server, x, load, y }: (typeof all)[number]) =>
      `${name(server)}, ${numberTicks(x)}: ${say(load)} (${y.toFixed(3)})`;
    const marks: Marks = [
      Plot.gridY({
        ...(log ? { ticks: y.domain } : { ticks: 4 }),
        stroke: "var(--line)",
        strokeOpacity: 1,
      }),
      Plot.axisY({
        ...(log ? { ticks: y.domain } : { ticks: 4 }),
        tickFormat: tick,
        tickSize: 0,
        label: null,
        color: "var(--muted)",
        fontSize,
      }),
      Plot.axisX({
        ticks: powers(least, most).filter((n) => n >= least && n <= most),
        tickFormat: numberTicks,
        label: null,
        color: "var(--muted)",
        fontSize,
      }),
      ...lines.flatMap(({ server, points }) => [
        Plot.line(points, {
          x: "x",
          y: "y",
          stroke: colourOf(server),
          strokeWidth: 3.5,
          strokeDasharray: dashes(server),
        }),
        Plot.dot(points, {
          x: "x",
          y: "y",
          r: 5,
          fill: colourOf(server),
          title,
        }),
      ]),
      // Each curve's name, as high as its end, or below all.
      ...labels.flatMap(({ line, at }) => {
        const { server, points } = line;
        const dy = at - (plotHeight + top) / 2;
        const anchor = { frameAnchor: narrow ? "left" : "right", dy } as const;
        const dx = narrow ? -90 : 14;
        return [
          Plot.vector([0], {
            ...anchor,
            shape: {
              draw: (path, length) =>
                void (path.moveTo(0, 0), path.lineTo(0, -length)),
            },
            length: sample,
            rotate: 90,
            anchor: "start",
            dx,
            stroke: colourOf(server),
            strokeWidth: 3.5,
            strokeDasharray: dashes(server),
          }),
          Plot.text([told(line)], {
            ...anchor,
            textAnchor: "start",
            dx: dx + sample + 8,
            fill: colourOf(server),
            title: () => title(points.at(-1)!),
          }),
        ];
      }),
      Plot.text([words.page.grows.connections], {
        frameAnchor: "bottom",
        dy: 52,
        ...muted,
      }),
    ];
    return draw(label, {
      width: widths[width],
      height,
      marginTop: top,
      marginBottom: bottom,
      marginLeft: 104,
      marginRight: right,
      x: { type: "log", domain: [least, most], axis: null },
      y: { ...y, domain: edges(y.domain), axis: null },
      marks,
    });
  });
}

/** The powers of ten from below one number to above another. */
function powers(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const last = Math.max(first + 1, Math.ceil(Math.log10(high)));
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number((10 ** (first + index)).toPrecision(1)),
  );
}

const edges = (numbers: number[]): [number, number] => [
  numbers[0]!,
  numbers.at(-1)!,
];

/** Moves labels apart that would stand on one another, none above 0 or below the bottom. */
function spread<T extends { at: number }>(
  labels: T[],
  least: number,
  bottom: number,
): T[] {
  const sorted = labels.toSorted((a, b) => b.at - a.at);
  let limit = bottom;
  for (const label of sorted) {
    label.at = Math.min(label.at, limit);
    limit = label.at - least;
  }
  limit = 12;
  for (const label of sorted.reverse()) {
    label.at = Math.max(label.at, limit);
    limit = label.at + least;
  }
  return sorted;
}

// ---- Ctrl+C ---------------------------------------------------------------

/** What came after Ctrl+C, in the order of time. */
function eventsOf(ctrlC: CtrlC, words: Texts) {
  const { exit, lastEchoMs, disconnectedMs, leftMs, exitMs } = ctrlC;
  const { page, rows } = words;
  const exits = exit.signal ? rows.dies(exit.signal) : rows.exits(exit.code);
  return (
    [
      { sign: "circle", said: page.lastEcho, ms: lastEchoMs },
      { sign: "times", said: page.disconnected, ms: disconnectedMs },
      { sign: "diamond2", said: page.left, ms: leftMs },
      { sign: "square", said: exits, ms: exitMs },
    ] as const
  )
    .flatMap(({ ms, ...event }) => (ms === undefined ? [] : [{ ...event, ms }]))
    .sort((a, b) => a.ms - b.ms);
}

const signs = { circle: "●", times: "✕", diamond2: "◆", square: "■" };

/** For each server what happened since Ctrl+C was pressed. */
export function timelines(
  servers: (ServerResult & { ctrlC: CtrlC })[],
  { charts, words, name }: Pencil,
  label: string,
): string {
  const { Plot, draw, both } = charts;
  const rows = servers.map((server) => ({
    server,
    events: eventsOf(server.ctrlC, words),
  }));
  const endMs = Math.max(
    ...rows.flatMap(({ events }) => events.map(({ ms }) => ms)),
  );
  return both((width) => {
    const narrow = width === "narrow";
    const names = narrow
      ? 12
      : Math.max(...servers.map((server) => textWidth(name(server)))) + 28;
    const columns = Math.floor(
      (widths[width] - (narrow ? 0 : names)) / (fontSize * 0.6),
    );
    let next = 0;
    const placed = rows.map((row) => {
      const said = row.events.map(
        ({ sign, said, ms }) => `${signs[sign]} ${said} ${time(ms)}`,
      );
      const texts = wrapAnsi(
        said.map((text) => text.replaceAll(" ", "\u00a0")).join("   "),
        columns,
      ).split("\n");
      const y = next + (narrow ? 40 : 18);
      next = y + 20 + texts.length * 24 + 8;
      return { ...row, texts, y };
    });
    const marks: Marks = placed.flatMap(
      ({ server, events, texts, y }): Marks => [
        Plot.link([0], {
          x1: 0,
          x2: events.at(-1)!.ms,
          y1: y,
          y2: y,
          stroke: colourOf(server),
          strokeWidth: 4,
          strokeOpacity: 0.4,
        }),
        Plot.link([0], {
          x1: 0,
          x2: 0,
          y1: y - 9,
          y2: y + 9,
          stroke: "var(--ink)",
          strokeWidth: 3,
        }),
        ...events.map(({ sign, ms, said }) =>
          Plot.dot([0], {
            x: ms,
            y,
            symbol: sign,
            r: sign === "circle" ? 11 : 7, // the client leaves right after its echo
            ...(sign === "times"
              ? { stroke: colourOf(server), strokeWidth: 3.5 }
              : { fill: colourOf(server), stroke: "var(--paper)" }),
            title: () => `${name(server)}: ${said}, ${ms.toFixed(1)} ms`,
          }),
        ),
        Plot.text(
          [name(server)],
          narrow
            ? {
                x: 0,
                dx: -8,
                y: y - 28,
                textAnchor: "start",
                fontWeight: "bold",
              }
            : { x: 0, y, dx: -18, textAnchor: "end" },
        ),
        Plot.text([texts.join("\n")], {
          x: 0,
          dx: narrow ? -10 : 0,
          y: y + 16,
          textAnchor: "start",
          lineAnchor: "top",
          lineHeight: 24 / fontSize,
        }),
      ],
    );
    return draw(label, {
      width: widths[width],
      height: next + 36,
      marginTop: 0,
      marginBottom: 34,
      marginLeft: names,
      marginRight: 36,
      x: { domain: [0, endMs], axis: null },
      y: { domain: [next + 2, 0], range: [next + 2, 0], axis: null },
      marks: [
        ...marks,
        Plot.axisX({
          anchor: "bottom",
          ticks: narrow ? 3 : 8,
          tickFormat: tickTime,
          color: "var(--muted)",
          fontSize,
        }),
      ],
    });
  });
}
