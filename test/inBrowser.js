/** What the tests of the pages look for; it runs in the browser, which takes no TypeScript. */

/** The texts of the charts that the window's width shows. */
function chartTexts() {
  const texts = [...document.querySelectorAll("svg text")];
  return texts.filter((text) => text.getBoundingClientRect().width > 0);
}

/** Texts that are too small, run out of their box, or stand on one another. */
function findMisplaced() {
  const flaws = new Set();
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth)
    flaws.add(`the page is ${root.scrollWidth} wide in ${root.clientWidth}`);
  for (const element of document.querySelectorAll("p, li, h1, h2, h3, td, th"))
    if (element.scrollWidth > element.clientWidth + 1)
      flaws.add(`"${element.textContent}" runs out of its box`);

  const letters = [];
  for (const text of chartTexts()) {
    const chart = text.ownerSVGElement.getBoundingClientRect();
    const matrix = text.getScreenCTM();
    const scale = Math.hypot(matrix.a, matrix.b);
    const said = `"${text.textContent}"`;
    const size = Number.parseFloat(getComputedStyle(text).fontSize) * scale;
    if (size < 17.9) flaws.add(`${said} is ${size} px high`);
    for (let i = 0; i < text.getNumberOfChars(); i++) {
      const box = text.getExtentOfChar(i);
      const width = box.width * scale;
      if (width === 0) continue;
      const [right, down] = [box.x + box.width / 2, box.y + box.height / 2];
      const { x, y } = new DOMPoint(right, down).matrixTransform(matrix);
      letters.push({ text, said, x, y, width, height: size * 0.72 });
      if (x - width / 2 < chart.left - 2 || x + width / 2 > chart.right + 2)
        flaws.add(`${said} leaves its chart sideways`);
      if (y - size / 2 < chart.top - 6 || y + size / 2 > chart.bottom + 6)
        flaws.add(`${said} leaves its chart upwards or downwards`);
    }
  }
  letters.sort((a, b) => a.y - b.y);
  for (const [index, a] of letters.entries())
    for (let i = index + 1; i < letters.length; i++) {
      const b = letters[i];
      if (b.y - a.y > a.height) break;
      if (a.text !== b.text && Math.abs(a.x - b.x) < (a.width + b.width) * 0.4)
        flaws.add(`${a.said} and ${b.said} overlap`);
    }
  return [...flaws];
}

/** Texts of the charts that don't stand out from the paper enough for WCAG's AA: axe passes over them. */
function findPale() {
  const paper = luminanceOf(getComputedStyle(document.body).backgroundColor);
  return chartTexts().flatMap((text) => {
    if (text.closest("[fill*=held]")) return []; // these stand on a colour
    const ink = luminanceOf(getComputedStyle(text).fill);
    const [low, high] = [ink, paper].sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    return contrast < 4.5 ? [`"${text.textContent}": ${contrast}`] : [];
  });
}

/** The relative luminance of a colour, as WCAG has it. */
function luminanceOf(colour) {
  const [red, green, blue] = colour
    .match(/[\d.]+/g)
    .map((part) => Number(part) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/**
 * What a sheet of paper would cut: charts and rows that are higher than it, or may break.
 *
 * @param sheet its height without the margins, in CSS pixels
 */
function findCut(sheet) {
  const whole = [...document.querySelectorAll("svg, figure, .pair, tr")];
  return whole.flatMap((element) => {
    const { height } = element.getBoundingClientRect();
    if (height === 0) return [];
    const kept = [];
    for (let box = element; box; box = box.parentElement)
      kept.push(getComputedStyle(box).breakInside);
    if (height <= sheet && kept.includes("avoid")) return [];
    return [`${element.outerHTML.slice(0, 80)}, ${height} px`];
  });
}
