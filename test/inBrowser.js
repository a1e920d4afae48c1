/** What the tests of the pages look for; it runs in the browser, which takes no TypeScript. */

/** Texts that leave their box or the window, stand on one another, or are too small for a wall. */
function findMisplaced(smallest) {
  const flaws = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth)
    flaws.push(`the page is ${root.scrollWidth} wide in ${root.clientWidth}`);
  const texts = [...document.querySelectorAll("p, li, h1, h2, h3, td, th")];
  const boxes = texts.flatMap((element) => {
    const said = `"${element.textContent.trim().slice(0, 60)}"`;
    if (element.scrollWidth > element.clientWidth + 1)
      flaws.push(`${said} runs out of its box`);
    const size = Number.parseFloat(getComputedStyle(element).fontSize);
    if (size < smallest) flaws.push(`${said} is ${size} px high`);
    const range = document.createRange();
    range.selectNodeContents(element);
    const all = [...range.getClientRects()].filter(({ width }) => width > 0);
    return all.map((box) => ({ element, said, box }));
  });
  boxes.sort((a, b) => a.box.top - b.box.top);
  for (const [index, { element, said, box: a }] of boxes.entries())
    for (const { element: other, said: on, box: b } of boxes.slice(index + 1)) {
      if (b.top > a.bottom - 6) break;
      const apart = a.right < b.left + 2 || b.right < a.left + 2;
      if (element !== other && !apart) flaws.push(`${said} is on ${on}`);
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
