/** Draws charts as SVG without a browser: Observable Plot on linkedom's document. */
import type * as ObservablePlot from "@observablehq/plot";

export type Plot = typeof ObservablePlot;
export type Marks = ObservablePlot.Markish[];

/** Makes charts, as SVG text. */
export type Charts = Awaited<ReturnType<typeof loadCharts>>;

/** The font size of a chart, in its own pixels: the page shows it as 1em. */
export const fontSize = 18;

/** How wide a chart is, in its own pixels: on a wall and on paper, and on a phone. */
export const widths = { wide: 1152, narrow: 384 };
export type Width = keyof typeof widths;

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
    return chart.outerHTML;
  }

  return {
    Plot,
    draw,
    /** The same chart for both widths; the page shows the one that fits. */
    both: (drawn: (width: Width) => string): string =>
      (Object.keys(widths) as Width[])
        .map((width) => `<div class="${width}">${drawn(width)}</div>`)
        .join(""),
  };
}
