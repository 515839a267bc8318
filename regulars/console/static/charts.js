// Draws every chart of a page: also those that come later, and anew when the theme changes.
import { expressionInterpreter } from "./vendor/vega-interpreter.js";

function themed() {
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const text = { labelColor: token("--soft"), titleColor: token("--soft"), labelFont: token("--font"), titleFont: token("--font") };
  return {
    background: "transparent",
    font: token("--font"),
    axis: { ...text, gridColor: token("--line"), domainColor: token("--line"), tickColor: token("--line"), titleFontWeight: "normal" },
    legend: text,
    view: { stroke: null },
    range: { category: [1, 2, 3, 4, 5, 6, 7, 8].map((number) => token(`--series-${number}`)) },
    mark: { color: token("--series-1") },
    text: { color: token("--ink") },
  };
}

function draw(place) {
  // The grey of a report's page (`evaluation.palette.NEUTRAL`) is read on both themes, but well on neither.
  const soft = getComputedStyle(document.documentElement).getPropertyValue("--soft").trim();
  const spec = { ...JSON.parse(place.dataset.spec.replaceAll("#8a94a3", soft)), config: themed() };
  // A chart of many charts is as wide as they are.
  if (spec.width === "container") spec.autosize = { type: "fit-x", contains: "padding" };
  const compiled = vegaLite.compile(spec).spec;
  place.view?.finalize();
  // The syntax tree and an interpreter of it, for the policy of the page forbids to make functions out of text.
  place.view = new vega.View(vega.parse(compiled, null, { ast: true }), {
    expr: expressionInterpreter,
    renderer: "canvas",
    container: place,
    hover: true,
    loader: vega.loader({ http: false }),
  });
  place.view.runAsync();
  // Its label stands at the place itself: what is inside need not be read twice.
  for (const inside of place.children) inside.setAttribute("aria-hidden", "true");
}

function drawAll() {
  for (const place of document.querySelectorAll("[data-spec]:not([data-is-drawn])")) {
    place.dataset.isDrawn = "";
    draw(place);
  }
}

drawAll();
new MutationObserver(drawAll).observe(document.body, { childList: true, subtree: true });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const place of document.querySelectorAll("[data-spec]")) draw(place);
});
