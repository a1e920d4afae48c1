/** What the tests of the pages look for; it runs in the browser, which takes no TypeScript. */

/** Texts that leave their box or the window, stand on one another, or are too small for a wall. */
function findMisplaced(smallest) {
  const flaws = new Set();
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth)
    flaws.add(`the page is ${root.scrollWidth} wide in ${root.clientWidth}`);
  const texts = [...document.querySelectorAll("p, li, h1, h2, h3, td, th")];
  const boxes = texts.flatMap((element) => {
    const said = `"${element.textContent.trim().slice(0, 60)}"`;
    if (element.scrollWidth > element.clientWidth + 1)
      flaws.add(`${said} runs out of its box`);
    const size = Number.parseFloat(getComputedStyle(element).fontSize);
    if (size < smallest) flaws.add(`${said} is ${size} px high`);
    const range = document.createRange();
    range.selectNodeContents(element);
    return [...range.getClientRects()]
      .filter(({ width }) => width > 0)
      .map((box) => ({ element, said, box }));
  });
  boxes.sort((a, b) => a.box.top - b.box.top);
  for (const [index, { element, said, box: a }] of boxes.entries())
    for (let i = index + 1; i < boxes.length; i++) {
      const { element: other, said: alsoSaid, box: b } = boxes[i];
      if (b.top > a.bottom - 6) break;
      const apart = a.right < b.left + 2 || b.right < a.left + 2;
      if (element !== other && !apart) flaws.add(`${said} is on ${alsoSaid}`);
    }
  return [...flaws];
}

/** What a sheet of paper would cut: panels and rows that are higher than it, or may break. */
function findCut(sheet) {
  const whole = [...document.querySelectorAll("section, tr")];
  return whole.flatMap((element) => {
    const { height } = element.getBoundingClientRect();
    const kept = [];
    for (let box = element; box; box = box.parentElement)
      kept.push(getComputedStyle(box).breakInside);
    if (height <= sheet && kept.includes("avoid")) return [];
    return [`${element.outerHTML.slice(0, 80)}, ${height} px`];
  });
}

/** How far down the last of such elements reaches, in pixels. */
function bottomOf(selector) {
  const all = [...document.querySelectorAll(selector)];
  return Math.max(...all.map((it) => it.getBoundingClientRect().bottom));
}
