/**
 * What the tests look for in a page. This file runs in the browser, which
 * doesn't read TypeScript. Its functions are called by name, in
 * page.evaluate().
 */

/**
 * Finds what a reader couldn't read: a page wider than the window, a text that
 * leaves its box or the window, text on text, and text that is too small.
 *
 * @param {number} smallestTextPx the smallest font size that is allowed, in
 *   pixels
 * @returns {string[]} what is wrong; nothing in a page as it should be
 */
function findMisplaced(smallestTextPx) {
  const flaws = findMisplacedNow(smallestTextPx);
  const folded = document.querySelectorAll("details");
  if (folded.length === 0) return flaws;

  for (const details of folded) details.open = true;
  flaws.push(...findMisplacedNow(smallestTextPx));
  for (const details of folded) details.open = false;
  return flaws;
}

/** The same, without the texts that are folded now. */
function findMisplacedNow(smallestTextPx) {
  const lines = findTextLines();
  return [
    ...findScrolling(),
    ...findOverflows(),
    ...findSmallTexts(smallestTextPx),
    ...findOutside(lines),
    ...findOverlaps(lines),
  ];
}

/** Finds whether the page has to be scrolled sideways. */
function findScrolling() {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  return [`the page is ${scrollWidth} wide in ${clientWidth}`];
}

/** Finds elements whose text is wider than their box. */
function findOverflows() {
  const elements = document.querySelectorAll(
    "p, li, h1, h2, h3, td:not(.lane), th",
  );
  return [...elements]
    .filter((element) => element.scrollWidth > element.clientWidth + 1)
    .map((element) => `"${element.textContent}" runs out of its box`);
}

function findSmallTexts(smallestTextPx) {
  const flaws = [];
  for (const node of visibleTextNodes()) {
    const { fontSize } = getComputedStyle(node.parentElement);
    const size = Number.parseFloat(fontSize);
    if (size < smallestTextPx) flaws.push(`"${node.data}" is ${size} px high`);
  }
  return flaws;
}

/** The font size of each element, also of hidden ones, in CSS pixels. */
function findTextSizes() {
  return [...document.querySelectorAll("main *")].map((element) => {
    return Number.parseFloat(getComputedStyle(element).fontSize);
  });
}

/** Finds lines of text that are outside of the window, at its left or right. */
function findOutside(lines) {
  return lines
    .filter(({ box }) => box.left < -1 || box.right > innerWidth + 1)
    .map(({ node }) => `"${node.data}" leaves the window`);
}

/** Finds lines of text that are on lines of another text. */
function findOverlaps(lines) {
  // Lines of text can share some pixels in which no letters are.
  const sharedHeight = 6;
  const leastDistance = 2;
  const flaws = [];
  const sorted = lines.toSorted((one, other) => one.box.top - other.box.top);
  for (const [index, upper] of sorted.entries())
    for (const lower of sorted.slice(index + 1)) {
      if (lower.box.top > upper.box.bottom - sharedHeight) break;
      const areApart =
        upper.box.right < lower.box.left + leastDistance ||
        lower.box.right < upper.box.left + leastDistance;
      if (upper.node !== lower.node && !areApart)
        flaws.push(`"${upper.node.data}" is on "${lower.node.data}"`);
    }
  return flaws;
}

/** The texts that are shown now, without those for screen readers only. */
function visibleTextNodes() {
  const nodes = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const { parentElement } = node;
    const isShown =
      parentElement.checkVisibility() && !parentElement.closest(".hidden");
    if (node.data.trim() && isShown) nodes.push(node);
  }
  return nodes;
}

/** The box of each line of text: a text that is wrapped has more than one. */
function findTextLines() {
  const lines = [];
  for (const node of visibleTextNodes()) {
    const range = document.createRange();
    range.selectNode(node);
    for (const box of range.getClientRects())
      if (box.width > 0) lines.push({ node, box });
  }
  return lines;
}

/**
 * Finds panels and rows that paper would cut: they are higher than a sheet, or
 * the browser is allowed to break them.
 *
 * @param {number} sheetPx the height of a sheet, in pixels
 * @returns {string[]} the beginning of each, and its height
 */
function findCut(sheetPx) {
  return [...document.querySelectorAll("section, tr")]
    .filter((element) => element.offsetHeight > sheetPx || mayBreak(element))
    .map(({ outerHTML, offsetHeight }) => {
      return `${outerHTML.slice(0, 80)}, ${offsetHeight} px`;
    });
}

/** Whether the browser is allowed to divide an element between two sheets. */
function mayBreak(element) {
  return getComputedStyle(element).breakInside !== "avoid";
}

/**
 * Describes each arrow as it is drawn.
 *
 * @returns {{ from: string, endsEarly: boolean, isVisible: boolean }[]} the
 *   side that the arrow comes from, whether it ends before the other side, and
 *   whether its shaft is long enough to be seen and is printed on paper
 */
function findArrows() {
  return [...document.querySelectorAll(".arrow")].map((arrow) => {
    const style = getComputedStyle(arrow, "::after");
    const pointsLeft = new DOMMatrix(style.transform).a < 0;
    const margin = pointsLeft ? style.marginLeft : style.marginRight;
    const isPrinted = style.printColorAdjust === "exact";
    return {
      from: pointsLeft ? "server" : "client",
      endsEarly: Number.parseFloat(margin) > 50,
      isVisible: Number.parseFloat(style.width) > 20 && isPrinted,
    };
  });
}
