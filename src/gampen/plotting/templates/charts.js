// Small charts: a frame with two axes, and what is drawn in it.

const CHART = { width: 292, height: 178, left: 34, right: 10, top: 8, bottom: 36 };

// A chart in an own figure: {svg, x, y, inside}, with its axes drawn.
function chartIn(parent, { title, note, x, y, xLabel, yLabel, xFormat, yTicks = 4, box = CHART, label }) {
  const svg = d3.create("svg")
    .attr("viewBox", `0 0 ${box.width} ${box.height}`).attr("role", "img").attr("aria-label", label || title);
  x.range([box.left, box.width - box.right]);
  y.range([box.height - box.bottom, box.top]);
  const xAxis = d3.axisBottom(x).ticks(5, xFormat).tickSizeOuter(0).tickSize(4);
  svg.append("g").attr("class", "axis").attr("transform", `translate(0,${box.height - box.bottom})`).call(xAxis);
  if (yTicks)
    svg.append("g").attr("class", "axis").attr("transform", `translate(${box.left},0)`)
      .call(d3.axisLeft(y).ticks(yTicks, y.percent ? "+.0%" : undefined).tickSizeOuter(0).tickSize(4));
  svg.append("text").attr("class", "axis-label").attr("text-anchor", "middle")
    .attr("x", (box.left + box.width - box.right) / 2).attr("y", box.height - 4).text(xLabel);
  if (yLabel)
    svg.append("text").attr("class", "axis-label").attr("text-anchor", "middle")
      .attr("transform", `translate(10,${(box.top + box.height - box.bottom) / 2}) rotate(-90)`).text(yLabel);
  const caption = element("figcaption", {}, element("b", {}, title), note ? element("span", { class: "note" }, note) : "");
  parent.append(element("figure", { class: "chart" }, caption, svg.node()));
  return { svg, x, y };
}

const scaleFor = (log, domain) => (log ? d3.scaleLog() : d3.scaleLinear()).domain(domain);

// Ticks of a logarithmic axis: 1, 2 and 5 where there is room, else powers of ten.
function logTicks(scale, most = 6) {
  const [low, high] = scale.domain();
  const decades = d3.range(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high)) + 1);
  for (const digits of [[1, 2, 5], [1, 3], [1]]) {
    const ticks = decades.flatMap((decade) => digits.map((digit) => digit * 10 ** decade))
      .filter((tick) => tick >= low && tick <= high);
    if (ticks.length <= most) return ticks;
  }
  return decades.filter((_, n) => n % 2 === 0).map((decade) => 10 ** decade);
}
const tickText = (value) => (value !== 0 && (Math.abs(value) >= 1e4 || Math.abs(value) < 1e-2)
  ? signed(value.toExponential(0).replace("e+", "e")) : signed(String(Number(value.toPrecision(6)))));

// Medians as bars beside the mean of the posteriors.
function drawDistribution(parent, sample) {
  const edges = sample.edges, top = Math.max(d3.max(sample.bars), d3.max(sample.stacked));
  const x = scaleFor(sample.log, d3.extent(edges)), y = d3.scaleLinear().domain([0, 1.06 * top]);
  const note = `${counted(sample.galaxies)} galaxies`;
  const box = { ...CHART, left: 12 };
  const { svg } = chartIn(parent, {
    title: sample.label, note, x, y, xLabel: withUnit(sample.label, sample.unit), yTicks: 0, box,
    label: `Distribution of ${sample.label}: medians as bars, the mean of all posteriors as a line`,
  });
  if (sample.log)
    svg.select(".axis").call(d3.axisBottom(x).tickValues(logTicks(x)).tickFormat(tickText).tickSizeOuter(0).tickSize(4));
  const floor = y(0);
  svg.append("g").attr("class", "bars").selectAll("rect").data(sample.bars).join("rect")
    .attr("x", (_, n) => x(edges[n]) + 0.5).attr("width", (_, n) => Math.max(0, x(edges[n + 1]) - x(edges[n]) - 1))
    .attr("y", (value) => y(value)).attr("height", (value) => floor - y(value));
  const points = d3.zip(sample.grid, sample.stacked);
  svg.append("path").attr("class", "stack-shade")
    .attr("d", d3.area().x((point) => x(point[0])).y0(floor).y1((point) => y(point[1]))(points));
  svg.append("path").attr("class", "stack-line")
    .attr("d", d3.line().x((point) => x(point[0])).y((point) => y(point[1]))(points));
}

// Coverage less its level against the level, one line a parameter, in the band of a perfect one.
function drawCoverage(parent, calibration) {
  const levels = calibration.levels_grid;
  const shown = [...calibration.covered, ...calibration.band].flat(); // of few galaxies the band is wide
  const reach = Math.max(0.05, 1.15 * d3.max(shown.map((share, n) => Math.abs(share - levels[n % levels.length]))));
  const x = d3.scaleLinear().domain([0, 1]), y = d3.scaleLinear().domain([-reach, reach]);
  y.percent = true;
  const { svg } = chartIn(parent, {
    title: "Coverage", note: "share of truths inside, less the probability", x, y,
    xLabel: "probability of the interval", xFormat: ".0%", box: { ...CHART, left: 44 },
    label: "Coverage of the intervals less their probability, for each parameter",
  });
  const band = d3.zip(levels, ...calibration.band);
  svg.append("path").attr("class", "null-band").attr("d", d3.area().x((b) => x(b[0]))
    .y0((b) => y(b[1] - b[0])).y1((b) => y(b[2] - b[0]))(band));
  svg.append("line").attr("class", "zero").attr("x1", x(0)).attr("x2", x(1)).attr("y1", y(0)).attr("y2", y(0));
  calibration.covered.forEach((shares, n) => {
    svg.append("path").attr("class", "series").style("stroke", seriesColour(n))
      .attr("d", d3.line().x((_, at) => x(levels[at])).y((share, at) => y(share - levels[at]))(shares));
  });
  parent.lastChild.append(element("p", { class: "legend" }, ...calibration.names.map((name, n) => {
    const key = element("span", {}, name);
    key.style.setProperty("--key", seriesColour(n));
    return key;
  })));
}

// The histogram of one parameter's ranks against what counts scatter by.
function drawRanks(parent, calibration, n) {
  const ranks = calibration.ranks[n], bins = ranks.length;
  const x = d3.scaleLinear().domain([0, 1]);
  const y = d3.scaleLinear().domain([0, Math.max(1.15 * d3.max(ranks), 1.15 + calibration.rank_spread)]);
  const { svg } = chartIn(parent, {
    title: `Ranks: ${calibration.names[n]}`, x, y, xLabel: "rank of the truth", box: { ...CHART, left: 30 },
    label: `Histogram of the ranks of the true ${calibration.names[n]}, flat where the posterior is true`,
  });
  const highest = y(1 + calibration.rank_spread), lowest = y(Math.max(0, 1 - calibration.rank_spread));
  svg.append("rect").attr("class", "null-band").attr("x", x(0)).attr("width", x(1) - x(0))
    .attr("y", highest).attr("height", lowest - highest);
  svg.append("line").attr("class", "zero").attr("x1", x(0)).attr("x2", x(1)).attr("y1", y(1)).attr("y2", y(1));
  const steps = ranks.flatMap((value, at) => [[at / bins, value], [(at + 1) / bins, value]]);
  svg.append("path").attr("class", "series").style("stroke", seriesColour(n))
    .attr("d", d3.line().x((step) => x(step[0])).y((step) => y(step[1]))(steps));
}

function startCharts() {
  const place = document.getElementById("distributions");
  if (place) for (const sample of payload.samples) drawDistribution(place, sample);
  const calibration = payload.calibration, charts = document.getElementById("calibration-charts");
  if (!calibration || !charts) return;
  drawCoverage(charts, calibration);
  calibration.names.forEach((_, n) => drawRanks(charts, calibration, n));
}
