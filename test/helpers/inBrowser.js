/** What the tests of the pages look for; it runs in the browser, which takes no TypeScript. */

/** Texts that leave their box or the window, stand on one another, or are too small for a wall. */
function findMisplaced(smallest) {
  const flaws = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth)
    flaws.push(`the page is ${scrollWidth} wide in ${clientWidth}`);
  for (const it of document.querySelectorAll(
    "p, li, h1, h2, h3, td:not(.lane), th",
  ))
    if (it.scrollWidth > it.clientWidth + 1)
      flaws.push(`"${it.textContent}" runs out of its box`);
  const boxes = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const { data, parentElement } = text;
    if (!data.trim() || parentElement.closest(".hidden")) continue;
    const size = Number.parseFloat(getComputedStyle(parentElement).fontSize);
    if (size < smallest) flaws.push(`"${data}" is ${size} px high`);
    const range = document.createRange();
    range.selectNode(text);
    const all = [...range.getClientRects()].filter(({ width }) => width > 0);
    boxes.push(...all.map((box) => ({ data, text, box })));
  }
  for (const { data, box } of boxes)
    if (box.left < -1 || box.right > innerWidth + 1)
      flaws.push(`"${data}" leaves the window`);
  boxes.sort((a, b) => a.box.top - b.box.top);
  for (const [index, { data, text, box: a }] of boxes.entries())
    for (const { data: on, text: other, box: b } of boxes.slice(index + 1)) {
      if (b.top > a.bottom - 6) break;
      const apart = a.right < b.left + 2 || b.right < a.left + 2;
      if (text !== other && !apart) flaws.push(`"${data}" is on "${on}"`);
    }
  return flaws;
}

/** What a sheet of paper would cut: panels and rows that are higher than it, or may break. */
function findCut(sheet) {
  const mayBreak = (it) => getComputedStyle(it).breakInside !== "avoid";
  return [...document.querySelectorAll("section, tr")]
    .filter((it) => it.offsetHeight > sheet || mayBreak(it))
    .map((it) => `${it.outerHTML.slice(0, 80)}, ${it.offsetHeight} px`);
}

/** Of each arrow whether it points to the left, ends short, and is long enough to be seen. */
function findArrows() {
  return [...document.querySelectorAll(".arrow")].map((it) => {
    const style = getComputedStyle(it, "::after");
    const left = new DOMMatrix(style.transform).a < 0;
    const short = parseFloat(left ? style.marginLeft : style.marginRight) > 50;
    const printed = style.printColorAdjust === "exact";
    return [left, short, parseFloat(style.width) > 20 && printed];
  });
}
