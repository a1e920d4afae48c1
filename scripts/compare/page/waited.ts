/** Who waited while one client stayed: a row for each client, on one axis for all servers. */
import { basename } from "node:path";
import { widths } from "../../old/page/chart.ts";
import { escape, paragraph, section } from "../../old/page/frame.ts";
import { moreRow, threadsOf } from "../picture.ts";
import type { ClientRun, ServerResult } from "../result.ts";
import type { Texts } from "../texts.ts";
import { endOf, time, waitOf } from "../words.ts";
import {
  figure,
  muted,
  overTime,
  timeAxis,
  widest,
  type Drawing,
} from "./drawing.ts";

/** Rows for the clients of one server at most. */
const mostRows = 20;

const [rowHeight, headHeight] = [26, 32];

export function waited(all: ServerResult[], drawing: Drawing): string {
  const { words } = drawing;
  const servers = all.filter(({ stay }) => stay?.clients.length);
  if (servers.length === 0) return "";
  const runs = servers.flatMap(({ stay }) => stay!.clients);
  const lefts = servers.map(({ stay }) => stay!.leftMs);
  const endMs = Math.max(...lefts, ...runs.map(endOf));
  const marginRight = widest(runs.map((run) => saidOf(run, words))) + 18;
  return section(
    words.page.waited,
    legend(words.picture.legend[0]!),
    ...servers.map((server) => {
      const more = server.stay!.clients.slice(mostRows);
      return figure(
        basename(server.file) + threadsOf(server, words),
        chart(server, endMs, marginRight, drawing),
        more.length ? paragraph(moreRow(more, words).trim(), "muted") : "",
      );
    }),
  );
}

/** The legend of the terminal's picture, each sign in its colour. */
function legend(line: string): string {
  const items = line.split("  ").map((item) => {
    const [sign = "", ...rest] = item;
    const sample = /[·─]/.test(sign) ? sign.repeat(3) : sign;
    return `<li><b>${sample}</b>${escape(rest.join(""))}</li>`;
  });
  return `<ul class="signs">${items.join("")}</ul>`;
}

/** What stands behind a row: what became of the client, and how long it waited. */
function saidOf(run: ClientRun, { outcomes }: Texts): string {
  const wait = waitOf(run);
  const outcome = run.outcome === "answered" ? [] : [outcomes[run.outcome]];
  return [...outcome, ...(wait === undefined ? [] : [time(wait)])].join(" ");
}

function chart(
  server: ServerResult,
  endMs: number,
  marginRight: number,
  { charts, words, name }: Drawing,
): string {
  const { pen, draw, both } = charts;
  const { page, outcomes } = words;
  const { leftMs } = server.stay!;
  const clients = server.stay!.clients.slice(0, mostRows);
  const bottom = headHeight + clients.length * rowHeight + 6;

  function row(run: ClientRun, index: number) {
    const { startedMs, connectedMs, outcome } = run;
    const y = headHeight + (index + 0.5) * rowHeight;
    const end = endOf(run);
    const waits = connectedMs ?? end;
    const good = outcome === "answered";
    const colour = good ? "var(--good)" : "var(--bad)";
    const exact = (ms?: number) => ms?.toFixed(1);
    return [
      pen.text([0, y], String(index + 1), {
        dx: -10,
        textAnchor: "end",
        ...muted,
      }),
      pen.line([startedMs, y], [waits, y], {
        stroke: "var(--muted)",
        strokeWidth: 2,
        strokeDasharray: "2 5",
      }),
      pen.line([waits, y], [end, y], { stroke: colour, strokeWidth: 5 }),
      pen.dot(
        [end, y],
        good
          ? { r: 6, fill: colour }
          : { r: 6, symbol: "times", stroke: colour, strokeWidth: 3.5 },
      ),
      pen.text([end, y], saidOf(run, words), { dx: 13, textAnchor: "start" }),
      // Over all of it, so that hovering the row tells its times.
      pen.box([0, y - rowHeight / 2], [endMs, y + rowHeight / 2], {
        fill: "transparent",
        title: page.client(
          index + 1,
          exact(startedMs)!,
          exact(connectedMs),
          outcomes[outcome],
          exact(end)!,
        ),
      }),
    ];
  }

  return both((width) =>
    draw(`${page.waited}: ${name(server)}`, {
      ...overTime(
        widths[width],
        bottom,
        { marginLeft: 36, marginRight },
        endMs,
      ),
      marks: [
        pen.box([0, 0], [leftMs, bottom], {
          fill: "var(--stay)",
          title: page.stays(`${leftMs.toFixed(1)} ms`),
        }),
        pen.text([0, 16], page.stays(time(leftMs)), {
          dx: 6,
          textAnchor: "start",
        }),
        ...clients.flatMap(row),
        timeAxis(charts, width),
      ],
    }),
  );
}
