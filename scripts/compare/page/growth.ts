/** How it grows: a curve for each server over the number of its connections. */
import { fontSize, widths, type Width } from "../../old/page/chart.ts";
import { paragraph, section } from "../../old/page/frame.ts";
import type { Load, ServerResult } from "../result.ts";
import { megabytes, rate, time } from "../words.ts";
import {
  colourOf,
  edges,
  figure,
  isPython,
  muted,
  powers,
  tickNumber,
  tickTime,
  widest,
  type Drawing,
} from "./drawing.ts";

/** A figure that grows: how it is said, and how it is written at an axis. */
interface Figure {
  title: string;
  value(load: Load): number | undefined;
  say(load: Load): string;
  tick(value: number): string;
  /** On a log axis. */
  log?: true;
}

interface Point {
  x: number;
  y: number;
  load: Load;
}

interface Curve {
  server: ServerResult;
  points: Point[];
}

export function growth(servers: ServerResult[], drawing: Drawing): string {
  const { grows } = drawing.words.page;
  const figures: Figure[] = [
    {
      title: grows.rate,
      value: ({ echoesPerSecond }) => echoesPerSecond,
      say: rate,
      tick: tickNumber,
    },
    {
      title: grows.latency,
      value: ({ p99Ms }) => p99Ms,
      say: ({ p99Ms }) => time(p99Ms),
      tick: tickTime,
      log: true,
    },
    {
      title: grows.memory,
      value: ({ memoryWithMB }) => memoryWithMB,
      say: ({ memoryWithMB }) => megabytes(memoryWithMB!),
      tick: (mb) => `${tickNumber(mb)} MB`,
    },
  ];
  const charts = figures.flatMap((one) => {
    const curves = curvesOf(servers, one);
    return curves.length
      ? [figure(one.title, chart(curves, one, drawing))]
      : [];
  });
  if (charts.length === 0) return "";
  const dashed = servers.some(isPython) && paragraph(grows.dashed, "muted");
  return section(drawing.words.headings.growth, dashed || "", ...charts);
}

/** A curve has two points at least. */
function curvesOf(servers: ServerResult[], { value, log }: Figure): Curve[] {
  const curves = servers.map(({ growth = [], ...server }) => {
    const points = growth.flatMap((load): Point[] => {
      const [x, y] = [load.connections - load.unanswered, value(load)];
      return y === undefined || x < 1 || (log && y <= 0)
        ? []
        : [{ x, y, load }];
    });
    return { server, points };
  });
  return curves.filter(({ points }) => points.length > 1);
}

function chart(curves: Curve[], figure: Figure, drawing: Drawing): string {
  const { charts, words, name } = drawing;
  const { title, say, tick, log } = figure;
  const { Plot, draw, both } = charts;
  const points = curves.flatMap(({ points }) => points);
  const ys = points.map(({ y }) => y);
  const [lowest, highest] = [Math.min(...ys), Math.max(...ys)];
  const [least, most] = edges(
    points.map(({ x }) => x).toSorted((a, b) => a - b),
  );
  const powersOfTen = powers(lowest, highest);
  const y = log
    ? ({ type: "log", domain: edges(powersOfTen) } as const)
    : ({ type: "linear", domain: [0, highest * 1.02] } as const);
  const yTicks = { ticks: log ? powersOfTen : 4 };
  const xTicks = powers(least, most).filter((x) => least <= x && x <= most);
  const told = ({ server, points }: Curve) =>
    `${name(server)} ${say(points.at(-1)!.load)}`;
  const strokeOf = (server: ServerResult) => ({
    stroke: colourOf(server),
    strokeWidth: 3.5,
    strokeDasharray: isPython(server) ? "8 6" : "none",
  });
  const axis = { label: null, color: "var(--muted)", fontSize };
  const [top, bottom, sample] = [12, 260, 40];

  function curve({ server, points }: Curve) {
    const title = ({ x, y, load }: Point) =>
      `${name(server)}, ${tickNumber(x)}: ${say(load)} (${y.toFixed(3)})`;
    const at = { x: "x", y: "y" };
    return [
      Plot.line(points, { ...at, ...strokeOf(server) }),
      Plot.dot(points, { ...at, r: 5, fill: colourOf(server), title }),
    ];
  }

  /** The names of the curves: beside their ends, or on a phone below all. */
  function names(narrow: boolean) {
    const { apply } = Plot.scale({ y: { ...y, range: [bottom, top] } });
    const ends = curves.map((curve) => ({
      curve,
      at: apply(curve.points.at(-1)!.y) as number,
    }));
    return spread(ends, 24, bottom).flatMap(({ curve, at }, index) => {
      const place = narrow ? bottom + 72 + index * 26 : at;
      const dy = place - (bottom + top) / 2;
      const dx = narrow ? -90 : 14;
      const anchor = { frameAnchor: narrow ? "left" : "right", dy } as const;
      return [
        Plot.vector([0], {
          ...anchor,
          ...strokeOf(curve.server),
          shape: line,
          length: sample,
          rotate: 90,
          anchor: "start",
          dx,
        }),
        Plot.text([told(curve)], {
          ...anchor,
          textAnchor: "start",
          dx: dx + sample + 8,
          fill: colourOf(curve.server),
        }),
      ];
    });
  }

  return both((width: Width) => {
    const narrow = width === "narrow";
    const marginBottom = 60 + (narrow ? curves.length * 26 : 0);
    return draw(`${title}: ${curves.map(told).join(", ")}`, {
      width: widths[width],
      height: bottom + marginBottom,
      marginTop: top,
      marginBottom,
      marginLeft: 104,
      marginRight: narrow ? 14 : widest(curves.map(told)) + sample + 22,
      x: { type: "log", domain: [least, most], axis: null },
      y: { ...y, axis: null },
      marks: [
        Plot.gridY({ ...yTicks, stroke: "var(--line)", strokeOpacity: 1 }),
        Plot.axisY({ ...axis, ...yTicks, tickFormat: tick, tickSize: 0 }),
        Plot.axisX({ ...axis, ticks: xTicks, tickFormat: tickNumber }),
        ...curves.flatMap(curve),
        ...names(narrow),
        Plot.text([words.page.grows.connections], {
          frameAnchor: "bottom",
          dy: 52,
          ...muted,
        }),
      ],
    });
  });
}

/** A sample of a curve. */
const line = {
  draw(
    path: {
      moveTo(x: number, y: number): void;
      lineTo(x: number, y: number): void;
    },
    length: number,
  ) {
    path.moveTo(0, 0);
    path.lineTo(0, -length);
  },
};

/** Moves labels apart that would stand on one another, none above the chart or below its bottom. */
function spread<T extends { at: number }>(
  labels: T[],
  least: number,
  bottom: number,
): T[] {
  const downwards = labels.toSorted((a, b) => a.at - b.at);
  let limit = bottom;
  for (const label of downwards.toReversed()) {
    label.at = Math.min(label.at, limit);
    limit = label.at - least;
  }
  limit = 12;
  for (const label of downwards) {
    label.at = Math.max(label.at, limit);
    limit = label.at + least;
  }
  return downwards;
}
