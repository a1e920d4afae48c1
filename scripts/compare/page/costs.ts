/** What many clients cost: echoes per second, latency, memory and threads. */
import { widths, type Width } from "../../old/page/chart.ts";
import { paragraph, section } from "../../old/page/frame.ts";
import type { Load, ServerResult } from "../result.ts";
import type { Texts } from "../texts.ts";
import { megabytes, rate, time } from "../words.ts";
import {
  bold,
  colourOf,
  edges,
  figure,
  isPython,
  muted,
  powers,
  tickTime,
  widest,
  type Drawing,
  type Loaded,
} from "./drawing.ts";

/** A bar: how long, what stands behind it, and from where to where the windows went. */
interface Bar {
  server: ServerResult;
  value: number;
  said: string;
  range?: [number, number] | undefined;
}

export function costs(all: ServerResult[], drawing: Drawing): string {
  const { words, name } = drawing;
  const { page, rows } = words;
  const loaded = all.filter(hasLoad);
  const alone = all.filter((server) => server.load && !hasLoad(server));
  const rates = loaded.map((server): Bar => {
    const { load } = server;
    const range = rangeOf(load);
    return { server, value: load.echoesPerSecond, said: rate(load), range };
  });
  const memory = all.flatMap((server): Bar[] => {
    if (!server.idle) return [];
    const { perClientMB: value } = server.idle;
    return [{ server, value, said: megabytes(value) }];
  });
  const threads = all.flatMap((server): Bar[] => {
    const value = server.idle?.perClientThreads;
    if (value === undefined) return [];
    return [{ server, value, said: rows.threadsOf(Math.round(value)) }];
  });
  const titled = (title: string, chart: string, ...more: string[]) =>
    chart && figure(title, chart, ...more);
  const pictures = [
    titled(
      page.rate(loaded[0]?.load.connections ?? 0),
      bars(rates, false, drawing),
      rates.some(({ range }) => range) ? paragraph(page.windows, "muted") : "",
    ),
    titled(page.latency, latencies(loaded, drawing)),
    memory.length + threads.length === 0
      ? ""
      : `<div class="pair">${[
          titled(page.memory, bars(memory, true, drawing)),
          titled(page.threads, bars(threads, true, drawing)),
        ].join("")}</div>`,
  ];
  if (rates.length + memory.length === 0) return "";
  const names = words.list(alone.map(name));
  const missing = names && paragraph(page.oneAtATime(names), "muted");
  return section(page.costs, ...pictures, missing);
}

/** Whether its load stands for all connections, or is of one that was served alone. */
function hasLoad(server: ServerResult): server is Loaded {
  const { load } = server;
  if (!load) return false;
  return load.connections === 1 || load.connections - load.unanswered > 1;
}

function rangeOf({ windows = [] }: Load): [number, number] | undefined {
  const rates = windows.map(({ echoesPerSecond }) => echoesPerSecond);
  return rates.length ? [Math.min(...rates), Math.max(...rates)] : undefined;
}

/**
 * A bar for each server.
 *
 * @param half two such pictures stand side by side
 */
function bars(bars: Bar[], half: boolean, drawing: Drawing): string {
  if (bars.length === 0) return "";
  const { charts, name } = drawing;
  const { pen, draw, both } = charts;
  const far = ({ value, range }: Bar) => Math.max(value, ...(range ?? []));
  const most = Math.max(...bars.map(far), 1e-9);
  const names = widest(bars.map(({ server }) => name(server))) + 12;
  const numbers = widest(bars.map(({ said }) => said)) + 14;

  function chart(width: Width): string {
    const narrow = width === "narrow";
    const total = half && !narrow ? (widths.wide - 48) / 2 : widths[width];
    const left = narrow ? 2 : names;
    const rowHeight = narrow ? 56 : 40;
    const height = bars.length * rowHeight;
    const x = (value: number) =>
      left + (value / most) * (total - left - numbers);
    function row(bar: Bar, index: number) {
      const { server, value, said, range } = bar;
      const y = index * rowHeight + (narrow ? 38 : 20);
      const exact = [value, ...(range ?? [])].map((one) => one.toFixed(2));
      const title = `${name(server)}: ${exact.join(", ")}`;
      return [
        pen.box([left, y - 12], [x(value), y + 12], {
          fill: colourOf(server),
          fillOpacity: isPython(server) ? 0.55 : 1,
          title,
        }),
        ...(range
          ? [
              pen.line([x(range[0]), y], [x(range[1]), y], {
                stroke: "var(--ink)",
                strokeWidth: 2,
                title,
              }),
            ]
          : []),
        pen.text([x(far(bar)), y], said, {
          dx: 8,
          textAnchor: "start",
          title,
          ...bold,
        }),
        narrow
          ? pen.text([4, y - 27], name(server), { textAnchor: "start" })
          : pen.text([left - 10, y], name(server), { textAnchor: "end" }),
      ];
    }
    const pixels = { type: "identity", axis: null } as const;
    const axis = pen.line([left, 0], [left, height], { stroke: "var(--ink)" });
    const label = bars.map(({ server, said }) => `${name(server)} ${said}`);
    return draw(label.join(", "), {
      ...{ width: total, height, margin: 0, x: pixels, y: pixels },
      marks: [...bars.flatMap(row), axis],
    });
  }
  return both(chart);
}

const signs = ["circle", "diamond2", "square", "triangle"] as const;

/** What an echo takes, in ms: below a microsecond there is nothing to measure. */
function latenciesOf({ p50Ms, p90Ms, p99Ms, oldestWaitMs }: Load): number[] {
  return [p50Ms, p90Ms, p99Ms, oldestWaitMs].map((ms) => Math.max(ms, 1e-3));
}

const titlesOf = ({ page }: Texts) => ["p50", "p90", "p99", page.longest];

/** p50, p90, p99 and the longest of each server on a log axis, and as numbers in columns. */
function latencies(all: Loaded[], { charts, words, name }: Drawing): string {
  const servers = all.filter(({ load }) =>
    latenciesOf(load).every(Number.isFinite),
  );
  if (servers.length === 0) return "";
  const { Plot, pen, draw, both } = charts;
  const every = servers.flatMap(({ load }) => latenciesOf(load));
  const ticks = powers(Math.min(...every), Math.max(...every));
  const names = widest(servers.map(name)) + 20;
  const titles = titlesOf(words);

  function chart(width: Width): string {
    const narrow = width === "narrow";
    const [rowHeight, headHeight] = narrow ? [96, 34] : [44, 38];
    const column = narrow ? widths.narrow / 4 : 112;
    const range = narrow
      ? [36, widths.narrow - 40]
      : [names, widths.wide - 4 * column - 30];
    const { apply } = Plot.scale({
      x: { type: "log", domain: edges(ticks), range },
    });
    const x = (ms: number) => apply(ms) as number;
    const columnX = (index: number) => widths[width] - (3.5 - index) * column;
    const bottom = headHeight + servers.length * rowHeight;
    const tick = (ms: number) => [
      pen.line([x(ms), headHeight], [x(ms), bottom + 4], {
        stroke: "var(--line)",
      }),
      pen.text([x(ms), bottom + 18], tickTime(ms), muted),
    ];
    const head = (title: string, index: number) => [
      pen.dot([columnX(index) - widest([title]) / 2 - 10, 14], {
        symbol: signs[index]!,
        r: 6,
        ...muted,
      }),
      pen.text([columnX(index), 14], title, muted),
    ];
    function row(server: Loaded, index: number) {
      const y = headHeight + index * rowHeight + (narrow ? 42 : 20);
      const figures = latenciesOf(server.load);
      const [least, longest] = edges(figures);
      const points = figures.flatMap((ms, index) => {
        const title = `${name(server)} ${titles[index]}: ${ms.toFixed(3)} ms`;
        return [
          pen.dot([x(ms), y], {
            symbol: signs[index]!,
            r: 7,
            fill: colourOf(server),
            stroke: "var(--paper)",
            title,
          }),
          pen.text([columnX(index), y + (narrow ? 30 : 0)], time(ms), {
            title,
          }),
        ];
      });
      return [
        narrow
          ? pen.text([0, y - 28], name(server), {
              textAnchor: "start",
              ...bold,
            })
          : pen.text([names - 20, y], name(server), { textAnchor: "end" }),
        pen.line([x(least), y], [x(longest), y], {
          stroke: colourOf(server),
          strokeOpacity: 0.4,
          strokeWidth: 4,
        }),
        ...points,
      ];
    }
    const pixels = { type: "identity", axis: null } as const;
    return draw(words.page.latency, {
      ...{ width: widths[width], height: bottom + 32, margin: 0 },
      ...{ x: pixels, y: pixels },
      marks: [
        ...ticks.flatMap(tick),
        ...titles.flatMap(head),
        ...servers.flatMap(row),
      ],
    });
  }
  return both(chart);
}
