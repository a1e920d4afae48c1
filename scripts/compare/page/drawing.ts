/** What the pictures of a comparison's page have in common. */
import stringWidth from "string-width";
import type { PlotOptions } from "@observablehq/plot";
import { fontSize, type Charts, type Width } from "../../old/page/chart.ts";
import { escape } from "../../old/page/frame.ts";
import type { Load, ServerResult } from "../result.ts";
import type { Texts } from "../texts.ts";

/** What a picture is drawn with. */
export interface Drawing {
  charts: Charts;
  words: Texts;
  name(server: ServerResult): string;
}

export type Loaded = ServerResult & { load: Load };

export const colourOf = ({ design }: ServerResult) => `var(--${design})`;

/** Python's curves are dashed, its bars paler: the same design in another language. */
export const isPython = ({ language }: ServerResult) => language === "Python";

export const muted = { fill: "var(--muted)" } as const;
export const bold = { fontWeight: "bold" } as const;

/** Pixels that the widest of some texts takes at most. */
export function widest(texts: string[]): number {
  const columns = Math.max(...texts.map((text) => stringWidth(text)));
  return columns * 0.62 * fontSize;
}

/** Milliseconds at an axis. */
export const tickTime = (ms: number) =>
  ms >= 1000 ? `${ms / 1000} s` : ms ? `${ms} ms` : "0";

export const tickNumber = (number: number) => number.toLocaleString("en-US");

/** An axis of time below a chart. */
export function timeAxis({ Plot }: Charts, width: Width) {
  return Plot.axisX({
    anchor: "bottom",
    ticks: width === "wide" ? 8 : 3,
    tickFormat: tickTime,
    label: null,
    color: "var(--muted)",
    fontSize,
  });
}

/** Options of a chart in which x is a time, and y goes down in pixels. */
export function overTime(
  width: number,
  height: number,
  margins: { marginLeft: number; marginRight: number },
  endMs: number,
): PlotOptions {
  const axisHeight = 34;
  return {
    width,
    height: height + axisHeight,
    marginTop: 0,
    marginBottom: axisHeight,
    ...margins,
    x: { domain: [0, endMs], axis: null },
    y: { type: "identity", axis: null },
  };
}

/** The powers of ten from below one number to above another. */
export function powers(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const last = Math.max(first + 1, Math.ceil(Math.log10(high)));
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number((10 ** (first + index)).toPrecision(1)),
  );
}

/** The first and the last of some numbers. */
export const edges = (numbers: number[]): [number, number] => [
  numbers[0]!,
  numbers.at(-1)!,
];

/** A picture with its title. */
export function figure(title: string, ...parts: string[]): string {
  return `<figure><h3>${escape(title)}</h3>${parts.join("")}</figure>`;
}
