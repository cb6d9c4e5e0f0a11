// The posterior of one galaxy, from its packed row: the same mixture and the same bijections as in
// Python (gampen.storage.packing, gampen.probability), so that no picture of it need be stored.

const packedMixtures = once(() => arrayOf(payload.mixture));
const P = payload.space.length;
const K = payload.components;
const TRIANGLE = (P * (P + 1)) / 2;
const WIDTH = K * (1 + P + TRIANGLE) + TRIANGLE;

function squareOf(triangle) {
  const square = Array.from({ length: P }, () => new Float64Array(P));
  let at = 0;
  for (let row = 0; row < P; row += 1)
    for (let column = 0; column <= row; column += 1) square[row][column] = triangle[at++];
  return square;
}

// The inverse of a lower triangular matrix, by substitution.
function inverseOf(lower) {
  const inverse = Array.from({ length: P }, () => new Float64Array(P));
  for (let column = 0; column < P; column += 1) {
    inverse[column][column] = 1 / lower[column][column];
    for (let row = column + 1; row < P; row += 1) {
      let sum = 0;
      for (let k = column; k < row; k += 1) sum += lower[row][k] * inverse[k][column];
      inverse[row][column] = -sum / lower[row][row];
    }
  }
  return inverse;
}

// Precision = L L^T, so covariance = L^-T L^-1.
function covarianceOf(lower) {
  const inverse = inverseOf(lower);
  return inverse.map((_, row) =>
    inverse.map((__, column) => {
      let sum = 0;
      for (let k = Math.max(row, column); k < P; k += 1) sum += inverse[k][row] * inverse[k][column];
      return sum;
    }),
  );
}

// {weights[k], means[k][p], covariances[k][p][p], epistemic[p]} of a galaxy with a posterior.
function mixtureOf(galaxy) {
  const place = placeOf()[galaxy];
  const row = packedMixtures().subarray(place * WIDTH, (place + 1) * WIDTH);
  const parts = d3.range(K);
  const raw = parts.map((k) => Math.exp(row[k]));
  const total = d3.sum(raw);
  const start = K + K * P;
  const factors = parts.map((k) => squareOf(row.subarray(start + k * TRIANGLE, start + (k + 1) * TRIANGLE)));
  const epistemic = squareOf(row.subarray(WIDTH - TRIANGLE));
  return {
    weights: raw.map((weight) => weight / total),
    means: parts.map((k) => Array.from(row.subarray(K + k * P, K + (k + 1) * P))),
    covariances: factors.map(covarianceOf),
    epistemic: epistemic.map((line, p) => line[p]),
  };
}

// The share of each parameter's variance, in unconstrained space, that is the network's own doubt.
function epistemicShares(mixture) {
  return d3.range(P).map((p) => {
    const mean = d3.sum(mixture.weights, (weight, k) => weight * mixture.means[k][p]);
    const variance = d3.sum(
      mixture.weights,
      (weight, k) => weight * (mixture.covariances[k][p][p] + (mixture.means[k][p] - mean) ** 2),
    );
    return Math.min(1, Math.max(0, mixture.epistemic[p] / variance));
  });
}

// How unconstrained points become drawn values: {forward, inverse, logSlope (ln |dv/du|), falls}.
function axisOf(parameter, zeroPoint) {
  const { low, high } = parameter;
  if (parameter.scaling === "flux" && low === 0 && Number.isFinite(zeroPoint)) {
    const slope = -2.5 / Math.LN10;
    return {
      name: "magnitude", label: "magnitude", unit: "mag", falls: true,
      forward: (u) => zeroPoint + slope * u,
      inverse: (v) => (v - zeroPoint) / slope,
      logSlope: () => Math.log(-slope),
    };
  }
  const named = { name: parameter.name, label: parameter.label, unit: parameter.unit, falls: false };
  if (low === null)
    return { ...named, forward: (u) => u, inverse: (v) => v, logSlope: () => 0 };
  if (high === null)
    return {
      ...named, forward: (u) => low + Math.exp(u), inverse: (v) => Math.log(v - low), logSlope: (u) => u,
    };
  const width = high - low;
  return {
    ...named,
    forward: (u) => low + width / (1 + Math.exp(-u)),
    inverse: (v) => Math.log(v - low) - Math.log(high - v),
    logSlope: (u) => Math.log(width) - Math.abs(u) - 2 * Math.log1p(Math.exp(-Math.abs(u))),
  };
}

// The normal distribution function, to 2e-16 in the middle and 1e-7 of its own size in the tails:
// the sum that defines it inside, a continued fraction outside.
function normalBelow(z) {
  const size = Math.abs(z);
  const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
  if (size < 3.5) {
    let term = z, sum = z;
    for (let n = 3; Math.abs(term) > 1e-17 * Math.abs(sum) && n < 200; n += 2) sum += term *= (z * z) / n;
    return 0.5 + density * sum;
  }
  let fraction = size;
  for (let n = 40; n > 0; n -= 1) fraction = size + n / fraction;
  return z > 0 ? 1 - density / fraction : density / fraction;
}

function marginalDensity(mixture, p, u) {
  let sum = 0;
  for (let k = 0; k < K; k += 1) {
    const variance = mixture.covariances[k][p][p];
    const away = u - mixture.means[k][p];
    sum += (mixture.weights[k] * Math.exp((-0.5 * away * away) / variance)) / Math.sqrt(2 * Math.PI * variance);
  }
  return sum;
}

function marginalBelow(mixture, p, u) {
  return d3.sum(mixture.weights, (weight, k) =>
    weight * normalBelow((u - mixture.means[k][p]) / Math.sqrt(mixture.covariances[k][p][p])));
}

// The unconstrained point below which a share of the probability lies, by bisection.
function quantile(mixture, p, share) {
  const reach = mixture.means.map((mean, k) => [mean[p], 9 * Math.sqrt(mixture.covariances[k][p][p])]);
  let low = d3.min(reach, ([mean, width]) => mean - width);
  let high = d3.max(reach, ([mean, width]) => mean + width);
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (marginalBelow(mixture, p, middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

// The density of two parameters at unconstrained points, as a function of (u, v).
function jointDensity(mixture, p, q) {
  const terms = mixture.weights.map((weight, k) => {
    const c = mixture.covariances[k];
    const determinant = c[p][p] * c[q][q] - c[p][q] ** 2;
    return {
      norm: weight / (2 * Math.PI * Math.sqrt(determinant)),
      m: mixture.means[k][p], n: mixture.means[k][q],
      a: c[q][q] / determinant, b: -c[p][q] / determinant, d: c[p][p] / determinant,
    };
  });
  return (u, v) => {
    let sum = 0;
    for (const t of terms) {
      const x = u - t.m, y = v - t.n;
      sum += t.norm * Math.exp(-0.5 * (t.a * x * x + 2 * t.b * x * y + t.d * y * y));
    }
    return sum;
  };
}

// What is drawn and written of one parameter of one galaxy.
function marginalOf(mixture, p, zeroPoint, points = 161) {
  const axis = axisOf(payload.space[p], zeroPoint);
  const at = (share) => axis.forward(quantile(mixture, p, axis.falls ? 1 - share : share));
  const [start, low95, low68, median, high68, high95, end] =
    [0.003, 0.02275, 0.15865, 0.5, 0.84135, 0.97725, 0.997].map(at);
  const values = d3.range(points).map((n) => start + ((end - start) * n) / (points - 1));
  const density = values.map((value) => {
    const u = axis.inverse(value);
    const found = marginalDensity(mixture, p, u) * Math.exp(-axis.logSlope(u));
    return Number.isFinite(found) ? found : 0;
  });
  return { ...axis, values, density, median, start, end, within68: [low68, high68], within95: [low95, high95] };
}

// The joint density on a grid of two drawn axes, and the densities that bound 95 % and 68 % of it.
function jointOf(mixture, p, q, x, y, side = 72) {
  const density = jointDensity(mixture, p, q);
  const grid = new Float64Array(side * side);
  const place = (axis, n) => axis.inverse(axis.start + ((axis.end - axis.start) * (n + 0.5)) / side);
  const us = d3.range(side).map((n) => place(x, n)), vs = d3.range(side).map((n) => place(y, n));
  for (let row = 0; row < side; row += 1)
    for (let column = 0; column < side; column += 1) {
      const u = us[column], v = vs[row];
      const found = density(u, v) * Math.exp(-x.logSlope(u) - y.logSlope(v));
      grid[row * side + column] = Number.isFinite(found) ? found : 0;
    }
  const falling = Float64Array.from(grid).sort().reverse();
  const total = d3.sum(falling);
  const bounds = { 68: 0, 95: 0 };
  let sum = 0;
  for (const value of falling) {
    sum += value / total;
    if (!bounds[68] && sum >= 0.6827) bounds[68] = value;
    if (!bounds[95] && sum >= 0.9545) { bounds[95] = value; break; }
  }
  return { side, grid, bounds };
}
