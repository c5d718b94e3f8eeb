// The curve of a run, drawn as SVG.

const PLOT_HEIGHT = 150;
const MARGIN = { left: 40, right: 8, top: 8, bottom: 22 };

/** Little-endian 16-bit numbers from base64. */
function decodeNumbers(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 2 }, (_, i) => view.getUint16(2 * i, true));
}

/** Steps and values of a packed curve. */
function unpackCurve({ low, high, values, steps }) {
  const y = decodeNumbers(values).map((n) => low + ((high - low) * n) / 65535);
  return { x: steps ? decodeNumbers(steps) : y.map((_, i) => i + 1), y };
}

/** Three to five round numbers between two numbers. */
function ticks(low, high) {
  const rough = (high - low) / 4 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((n) => n * power >= rough) * power;
  const found = [];
  for (let n = Math.ceil(low / step); n * step <= high; n++) found.push(n * step);
  return found;
}

function svg(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** Draw a curve into `plot`; `point` says what is under the pointer. */
function drawCurve(curve, plot, point) {
  const { x, y } = curve;
  const width = Math.max(200, plot.clientWidth);
  const end = x[x.length - 1];
  let [low, high] = y.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  if (low === high) [low, high] = [low - 1, high + 1];
  const atX = (step) => MARGIN.left + ((width - MARGIN.left - MARGIN.right) * (step - 1)) / Math.max(1, end - 1);
  const atY = (v) => PLOT_HEIGHT - MARGIN.bottom - ((PLOT_HEIGHT - MARGIN.top - MARGIN.bottom) * (v - low)) / (high - low);
  const area = svg("svg", { viewBox: `0 0 ${width} ${PLOT_HEIGHT}`, height: PLOT_HEIGHT, role: "img" });
  area.append(svg("title", {}, `The activation went from ${short(y[0])} to ${short(y[y.length - 1])} in ${end} steps`));
  for (const v of ticks(low, high)) {
    area.append(svg("line", { class: "rule", x1: MARGIN.left, x2: width - MARGIN.right, y1: atY(v), y2: atY(v) }));
    area.append(svg("text", { x: MARGIN.left - 6, y: atY(v) + 4, "text-anchor": "end" }, String(Number(v.toPrecision(3))).replace("-", "\u2212")));
  }
  for (const step of new Set([1, ...ticks(1, end).filter((s) => s > end * 0.1 && s < end * 0.9), end])) {
    const anchor = step === 1 ? "start" : step === end ? "end" : "middle";
    area.append(svg("text", { x: atX(step), y: PLOT_HEIGHT - 4, "text-anchor": anchor }, String(Math.round(step))));
  }
  area.append(svg("path", { class: "curve", d: x.map((s, i) => `${i ? "L" : "M"}${atX(s).toFixed(1)} ${atY(y[i]).toFixed(1)}`).join("") }));
  const line = svg("line", { class: "cursor", y1: MARGIN.top, y2: PLOT_HEIGHT - MARGIN.bottom });
  const dot = svg("circle", { class: "dot", r: 3.5 });
  area.append(line, dot);
  const pointTo = (i) => {
    line.setAttribute("x1", atX(x[i]));
    line.setAttribute("x2", atX(x[i]));
    dot.setAttribute("cx", atX(x[i]));
    dot.setAttribute("cy", atY(y[i]));
    area.classList.add("pointed");
    point.textContent = `step ${x[i]}: ${y[i].toPrecision(4)}`;
  };
  area.addEventListener("pointermove", (event) => {
    const box = area.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * width;
    let nearest = 0;
    for (let i = 1; i < x.length; i++) if (Math.abs(atX(x[i]) - at) < Math.abs(atX(x[nearest]) - at)) nearest = i;
    pointTo(nearest);
  });
  area.addEventListener("pointerleave", () => {
    area.classList.remove("pointed");
    point.textContent = "";
  });
  point.textContent = "";
  plot.replaceChildren(area);
}
