/** Draws charts as SVG without a browser: Observable Plot on linkedom's document. */
import type * as ObservablePlot from "@observablehq/plot";

export type Marks = ObservablePlot.Markish[];

/** Makes charts, as SVG text. */
export type Charts = Awaited<ReturnType<typeof loadCharts>>;

/** The font size of a chart, in its own pixels: the page shows it as 1em. */
export const fontSize = 18;

/** How wide a chart is, in its own pixels: on a wall and on paper, and on a phone. */
export const widths = { wide: 1152, narrow: 384 };
export type Width = keyof typeof widths;

/** The attributes of an SVG that say where something is: two digits of a pixel are enough. */
const places = / (?:d|transform|[cd]?[xy]|width|height)="[^"]*"/g;

/** Loads what draws: a second, which only those who ask for a page wait. */
export async function loadCharts() {
  const [Plot, { DOMParser }] = await Promise.all([
    import("@observablehq/plot"),
    import("linkedom"),
  ]);
  // XML: in its HTML linkedom doesn't escape what stands in a <title>.
  const document = new DOMParser().parseFromString("<svg/>", "image/svg+xml");

  /**
   * Draws one chart.
   *
   * @param label what it shows, for those who can't see it; "" where that is said around it
   */
  function draw(label: string, options: ObservablePlot.PlotOptions): string {
    const className = "chart";
    const chart = Plot.plot({ document, className, ...options });
    chart.querySelector("style")?.remove(); // the page has its own
    for (const group of chart.querySelectorAll("g"))
      group.removeAttribute("aria-label"); // "text": it says nothing
    for (const name of ["font-family", "font-size", "width", "height"])
      chart.removeAttribute(name);
    if (label) {
      chart.setAttribute("role", "img");
      chart.setAttribute("aria-label", label);
    } else chart.setAttribute("aria-hidden", "true");
    return chart.outerHTML.replace(places, (attribute: string) =>
      attribute.replace(/\.(\d\d)\d+/g, ".$1"),
    );
  }

  return {
    Plot,
    pen: penOf(Plot),
    draw,
    /** The same chart for both widths; the page shows the one that fits. */
    both: (drawn: (width: Width) => string): string =>
      (Object.keys(widths) as Width[])
        .map((width) => `<div class="${width}">${drawn(width)}</div>`)
        .join(""),
  };
}

/** Draws single things at places of the chart, in its pixels, each with its style. */
function penOf(Plot: typeof ObservablePlot) {
  type Style<Options> = Omit<Options, "title"> & { title?: string };
  /** What hovering it tells. */
  const told = (title?: string) =>
    title === undefined ? {} : { title: () => title };
  type Place = [x: number, y: number];

  return {
    line: (
      from: Place,
      to: Place,
      { title, ...style }: Style<ObservablePlot.LinkOptions>,
    ) => Plot.link([0], { ...ends(from, to), ...style, ...told(title) }),
    arrow: (
      from: Place,
      to: Place,
      { title, ...style }: Style<ObservablePlot.ArrowOptions>,
    ) => Plot.arrow([0], { ...ends(from, to), ...style, ...told(title) }),
    box: (
      from: Place,
      to: Place,
      { title, ...style }: Style<ObservablePlot.RectOptions>,
    ) => Plot.rect([0], { ...ends(from, to), ...style, ...told(title) }),
    dot: (
      [x, y]: Place,
      { title, ...style }: Style<ObservablePlot.DotOptions>,
    ) => Plot.dot([0], { x, y, ...style, ...told(title) }),
    text: (
      [x, y]: Place,
      text: string | string[],
      { title, ...style }: Style<ObservablePlot.TextOptions>,
    ) =>
      Plot.text([[text].flat().join("\n")], { x, y, ...style, ...told(title) }),
  };
}

const ends = ([x1, y1]: [number, number], [x2, y2]: [number, number]) => ({
  x1,
  y1,
  x2,
  y2,
});
