// Every galaxy in a plane of two quantities, on a canvas: what the filter leaves out is faint, and
// errors are drawn where there are few enough to be told apart.

const MOST_ERRORS = 400;
const PLANE = { left: 56, right: 14, top: 10, bottom: 42 };

const choices = () => [
  ...quantities.map((quantity) => ({ ...quantity, values: quantity.median })),
  ...numbers.filter((number) => number.plotted),
];

function domainOf(choice) {
  const found = Float64Array.from(choice.values).filter((value) => Number.isFinite(value) && (!choice.log || value > 0)).sort();
  if (!found.length) return choice.log ? [0.1, 1] : [0, 1];
  const low = found[0], high = found[found.length - 1];
  if (choice.log) return [low / 1.15, Math.max(high, low * 1.5) * 1.15];
  const margin = 0.04 * (high - low) || 0.5;
  const domain = [low - margin, high + margin];
  return choice.name === "magnitude" ? domain : choice.bounded ? [0, 1] : domain;
}

const plane = { shown: null, near: -1, points: null };

function drawPlane() {
  const canvas = document.getElementById("plane");
  if (!canvas) return;
  const width = canvas.clientWidth, height = canvas.clientHeight, density = window.devicePixelRatio || 1;
  if (!width) return;
  canvas.width = width * density;
  canvas.height = height * density;
  const pen = canvas.getContext("2d");
  pen.scale(density, density);
  const [x, y] = ["x", "y"].map((side) => choices()[document.getElementById(`plane-${side}`).value]);
  const across = scaleFor(x.log, domainOf(x)).range([PLANE.left, width - PLANE.right]);
  const up = scaleFor(y.log, domainOf(y)).range([height - PLANE.bottom, PLANE.top]);
  const points = new Float32Array(2 * galaxies).fill(NaN);
  for (let galaxy = 0; galaxy < galaxies; galaxy += 1) {
    points[2 * galaxy] = across(x.values[galaxy]);
    points[2 * galaxy + 1] = up(y.values[galaxy]);
  }
  plane.points = points;
  drawFrame(pen, across, up, x, y, width, height);
  drawGalaxies(pen, across, up, x, y);
}

function drawFrame(pen, across, up, x, y, width, height) {
  pen.font = getComputedStyle(document.body).font.replace(/\d+(\.\d+)?px/, "12px");
  pen.lineWidth = 1;
  const ticksOf = (scale, choice, count) => (choice.log ? logTicks(scale, count) : scale.ticks(count));
  const floor = height - PLANE.bottom;
  pen.textAlign = "center"; pen.textBaseline = "top";
  for (const tick of ticksOf(across, x, Math.max(3, Math.round(width / 130)))) {
    line(pen, across(tick), PLANE.top, across(tick), floor, colour("rule"));
    pen.fillStyle = colour("muted"); pen.fillText(tickText(tick), across(tick), floor + 6);
  }
  pen.textAlign = "right"; pen.textBaseline = "middle";
  for (const tick of ticksOf(up, y, 6)) {
    line(pen, PLANE.left, up(tick), width - PLANE.right, up(tick), colour("rule"));
    pen.fillStyle = colour("muted"); pen.fillText(tickText(tick), PLANE.left - 7, up(tick));
  }
  pen.fillStyle = colour("ink"); pen.textAlign = "center"; pen.textBaseline = "bottom";
  pen.fillText(withUnit(x.label, x.unit), (PLANE.left + width - PLANE.right) / 2, height - 4);
  pen.save(); pen.translate(14, (PLANE.top + floor) / 2); pen.rotate(-Math.PI / 2);
  pen.textBaseline = "middle"; pen.fillText(withUnit(y.label, y.unit), 0, 0); pen.restore();
}

function line(pen, x1, y1, x2, y2, stroke) {
  pen.strokeStyle = stroke; pen.beginPath(); pen.moveTo(x1, y1); pen.lineTo(x2, y2); pen.stroke();
}

function drawGalaxies(pen, across, up, x, y) {
  const chosen = plane.shown, count = chosen ? chosen.size : galaxies;
  const errors = count <= MOST_ERRORS, size = count > 2000 ? 1.3 : count > 400 ? 1.8 : 2.6;
  for (let galaxy = 0; chosen && galaxy < galaxies; galaxy += 1)
    if (!chosen.has(galaxy)) dot(pen, galaxy, 1.2, colour("faint"));
  const ink = colour("accent"), soft = colour("accent-soft");
  pen.save();
  pen.beginPath();
  pen.rect(PLANE.left, PLANE.top, across.range()[1] - PLANE.left, up.range()[0] - PLANE.top);
  pen.clip();
  const each = chosen ? [...chosen] : d3.range(galaxies);
  if (errors) for (const galaxy of each) cross(pen, galaxy, across, up, x, y, soft);
  pen.globalAlpha = count > 2000 ? 0.45 : 0.9;
  for (const galaxy of each) dot(pen, galaxy, size, ink);
  pen.globalAlpha = 1;
  if (plane.near >= 0) {
    cross(pen, plane.near, across, up, x, y, colour("outline"));
    dot(pen, plane.near, size + 1.8, colour("outline"));
  }
  pen.restore();
  document.getElementById("plane-note").textContent = errors
    ? "bars are 68 % intervals" : "point at a galaxy for its 68 % intervals, click to open it";
}

function dot(pen, galaxy, size, fill) {
  const x = plane.points[2 * galaxy], y = plane.points[2 * galaxy + 1];
  if (!(x === x && y === y)) return;
  if (pen.fillStyle !== fill) pen.fillStyle = fill;
  if (size < 1.5) { pen.fillRect(x - size, y - size, 2 * size, 2 * size); return; }
  pen.beginPath(); pen.arc(x, y, size, 0, 2 * Math.PI); pen.fill();
}

function cross(pen, galaxy, across, up, x, y, stroke) {
  const px = plane.points[2 * galaxy], py = plane.points[2 * galaxy + 1];
  if (!(px === px && py === py)) return;
  if (x.low) line(pen, across(x.low[galaxy]), py, across(x.high[galaxy]), py, stroke);
  if (y.low) line(pen, px, up(y.low[galaxy]), px, up(y.high[galaxy]), stroke);
}

// The nearest galaxy within a finger's width of a place, -1 if there is none.
function nearest(event) {
  if (!plane.points) return -1;
  const box = event.target.getBoundingClientRect();
  const x = event.clientX - box.left, y = event.clientY - box.top;
  let best = -1, least = 14 ** 2;
  for (let galaxy = 0; galaxy < galaxies; galaxy += 1) {
    if (plane.shown && !plane.shown.has(galaxy)) continue;
    const away = (plane.points[2 * galaxy] - x) ** 2 + (plane.points[2 * galaxy + 1] - y) ** 2;
    if (away < least) { least = away; best = galaxy; }
  }
  return best;
}

function startPlane(open) {
  const canvas = document.getElementById("plane");
  if (!canvas) return;
  const found = choices(), place = (names) => Math.max(0, found.findIndex((choice) => names.includes(choice.name)));
  const first = { x: place(["magnitude"]) || place(["flux"]), y: place(["effective_radius"]) };
  for (const side of ["x", "y"]) {
    const select = document.getElementById(`plane-${side}`);
    found.forEach((choice, n) => select.append(element("option", { value: n }, withUnit(choice.label, choice.unit))));
    select.value = first[side];
    select.addEventListener("change", drawPlane);
  }
  const tip = document.getElementById("plane-tip");
  canvas.addEventListener("pointermove", (event) => {
    const galaxy = nearest(event);
    if (galaxy !== plane.near) { plane.near = galaxy; drawPlane(); }
    canvas.style.cursor = galaxy < 0 ? "default" : "pointer";
    tip.hidden = galaxy < 0;
    if (galaxy >= 0) tip.textContent = payload.ids[galaxy];
  });
  canvas.addEventListener("pointerleave", () => { plane.near = -1; tip.hidden = true; drawPlane(); });
  canvas.addEventListener("click", (event) => { const galaxy = nearest(event); if (galaxy >= 0) open(galaxy); });
  new ResizeObserver(drawPlane).observe(canvas);
  themed.push(drawPlane);
}
