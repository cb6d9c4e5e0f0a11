// The corner plot of one galaxy, computed from its mixture when it is asked for.

// `truths` are drawn values by name of the axis, or nothing.
function cornerOf(galaxy, side, truths) {
  const mixture = mixtureOf(galaxy);
  const zero = numberNamed("zero_point"), zeroPoint = zero ? zero.values[galaxy] : NaN;
  const axes = d3.range(P).map((p) => ({ ...marginalOf(mixture, p, zeroPoint), unit: unitOf(payload.space[p], galaxy, zeroPoint) }));
  const left = 54, below = 46, above = 22, right = 14, gap = 8;
  const cell = (side - left - right - gap * (P - 1)) / P;
  const height = above + P * cell + gap * (P - 1) + below;
  const svg = d3.create("svg").attr("viewBox", `0 0 ${side} ${height}`).attr("class", "corner").attr("role", "img")
    .attr("aria-label", `Joint posterior of ${payload.ids[galaxy]}: ${axes.map((axis) => axis.label).join(", ")}`);
  const at = (n) => n * (cell + gap);
  const ground = svg.append("g").attr("transform", `translate(${left},${above})`);
  axes.forEach((x, column) => {
    for (let row = column; row < P; row += 1) {
      const panel = ground.append("g").attr("transform", `translate(${at(column)},${at(row)})`);
      if (row === column) drawMarginal(panel, x, cell, truths);
      else drawJoint(panel, mixture, [column, row], [x, axes[row]], cell, truths);
      if (row === P - 1) bottomAxis(panel, x, cell);
      if (column === 0 && row > 0) leftAxis(panel, axes[row], cell);
    }
  });
  return svg.node();
}

function unitOf(parameter, galaxy, zeroPoint) {
  if (parameter.scaling === "flux" && Number.isFinite(zeroPoint)) return "mag";
  const scale = numberNamed("pixel_scale");
  if (parameter.scaling === "length" && scale && !Number.isFinite(scale.values[galaxy])) return "pixel";
  return parameter.unit;
}

// Along the page values rise to the right, magnitudes too: as in the table.
const acrossOf = (axis, cell) => d3.scaleLinear().domain([axis.start, axis.end]).range([0, cell]);
const upOf = (axis, cell) => d3.scaleLinear().domain([axis.start, axis.end]).range([cell, 0]);

function drawMarginal(panel, axis, cell, truths) {
  const x = acrossOf(axis, cell), y = d3.scaleLinear().domain([0, 1.08 * d3.max(axis.density)]).range([cell, 0]);
  const points = d3.zip(axis.values, axis.density);
  const area = d3.area().x((point) => x(point[0])).y0(cell).y1((point) => y(point[1]));
  for (const [name, [low, high]] of [["within-95", axis.within95], ["within-68", axis.within68]]) {
    const inside = points.filter(([value]) => value >= low && value <= high);
    panel.append("path").attr("class", name).attr("d", area(inside));
  }
  panel.append("path").attr("class", "density").attr("d", d3.line().x((p) => x(p[0])).y((p) => y(p[1]))(points));
  panel.append("line").attr("class", "frame").attr("x2", cell).attr("y1", cell).attr("y2", cell);
  panel.append("line").attr("class", "median").attr("x1", x(axis.median)).attr("x2", x(axis.median)).attr("y1", 0).attr("y2", cell);
  drawTruth(panel, truths, axis, x, cell, true);
  const decimals = decimalsFor(Math.min(axis.median - axis.within68[0], axis.within68[1] - axis.median));
  const text = panel.append("text").attr("class", "summary").attr("x", cell / 2).attr("y", -8).attr("text-anchor", "middle");
  text.append("tspan").text(fixed(axis.median, decimals));
  text.append("tspan").attr("class", "error").attr("dx", 3)
    .text(`+${fixed(axis.within68[1] - axis.median, decimals)} ${MINUS}${fixed(axis.median - axis.within68[0], decimals)}`);
}

function drawJoint(panel, mixture, [p, q], [a, b], cell, truths) {
  const { side, grid, bounds } = jointOf(mixture, p, q, a, b);
  const x = acrossOf(a, cell), y = upOf(b, cell);
  const scale = cell / side;
  const path = d3.geoPath(d3.geoTransform({ point(u, v) { this.stream.point(u * scale, cell - v * scale); } }));
  const regions = d3.contours().size([side, side]).thresholds([bounds[95], bounds[68]])(grid);
  regions.forEach((region, n) => {
    panel.append("path").attr("class", n ? "within-68" : "within-95").attr("d", path(region));
    panel.append("path").attr("class", "contour").attr("d", path(region));
  });
  panel.append("rect").attr("class", "frame").attr("width", cell).attr("height", cell);
  panel.append("line").attr("class", "median").attr("x1", x(a.median)).attr("x2", x(a.median)).attr("y2", cell);
  panel.append("line").attr("class", "median").attr("x2", cell).attr("y1", y(b.median)).attr("y2", y(b.median));
  drawTruth(panel, truths, a, x, cell, true);
  drawTruth(panel, truths, b, y, cell, false);
}

// The true value, where one is known and lies on the axis.
function drawTruth(panel, truths, axis, scale, cell, upright) {
  const value = truths && truths[axis.name];
  if (!real(value) || value < Math.min(axis.start, axis.end) || value > Math.max(axis.start, axis.end)) return;
  const at = scale(value), mark = panel.append("line").attr("class", "truth");
  if (upright) mark.attr("x1", at).attr("x2", at).attr("y2", cell);
  else mark.attr("x2", cell).attr("y1", at).attr("y2", at);
}

// Few ticks, written with as many digits as tell them apart.
function fewTicks(scale) {
  const ticks = scale.ticks(3);
  const step = Math.abs(d3.tickStep(...scale.domain(), 3)); // known of a single tick as well
  const size = Math.max(...ticks.map(Math.abs));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const text = size >= 1e5 ? (value) => signed(value.toPrecision(3).replace("e+", "e")) : (value) => fixed(value, decimals);
  return { ticks, text };
}

function bottomAxis(panel, axis, cell) {
  const scale = acrossOf(axis, cell), { ticks, text } = fewTicks(scale);
  panel.append("g").attr("class", "axis").attr("transform", `translate(0,${cell})`)
    .call(d3.axisBottom(scale).tickValues(ticks).tickFormat(text).tickSizeOuter(0).tickSize(4));
  panel.append("text").attr("class", "axis-label").attr("x", cell / 2).attr("y", cell + 34).attr("text-anchor", "middle")
    .text(withUnit(axis.label, axis.unit));
}

function leftAxis(panel, axis, cell) {
  const scale = upOf(axis, cell), { ticks, text } = fewTicks(scale);
  panel.append("g").attr("class", "axis").call(d3.axisLeft(scale).tickValues(ticks).tickFormat(text).tickSizeOuter(0).tickSize(4));
  panel.append("text").attr("class", "axis-label").attr("text-anchor", "middle")
    .attr("transform", `translate(-44,${cell / 2}) rotate(-90)`).text(withUnit(axis.label, axis.unit));
}
