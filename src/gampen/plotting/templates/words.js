// How numbers and names are written, and how elements are made: text never becomes markup.

const MINUS = "\u2212";

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const real = (value) => value !== null && value !== undefined && Number.isFinite(value);
const signed = (text) => text.replace("-", MINUS);
const counted = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
const withUnit = (label, unit) => (unit ? `${label} [${unit}]` : label);

// The decimals with which the smaller of two errors has two digits, so that a column agrees.
function decimalsFor(error) {
  return error > 0 && Number.isFinite(error) ? Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(error)))) : 3;
}

function fixed(value, decimals) {
  if (!real(value)) return "–";
  if (Math.abs(value) >= 1e6) return signed(value.toExponential(2).replace("e+", " × 10^"));
  return signed(value.toFixed(decimals));
}

function short(value, digits = 4) {
  if (!real(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) return signed(value.toExponential(2));
  return signed(String(Number(value.toPrecision(digits))));
}

// A median with its errors one above the other; `widths` are in letters, so that columns align.
function measured(median, low, high, decimals, width) {
  const above = fixed(high - median, decimals), below = fixed(median - low, decimals);
  const errors = element("span", { class: "errors" },
    element("span", {}, `+${above}`), element("span", {}, `${MINUS}${below}`));
  if (width) errors.style.width = `${width}ch`;
  const made = element("span", { class: "measured" }, element("span", {}, fixed(median, decimals)), errors);
  made.setAttribute("aria-label", `${fixed(median, decimals)}, plus ${above}, minus ${below}`);
  return made;
}

// What a colour of the page is now, for what is drawn on a canvas.
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const SERIES = ["series-1", "series-2", "series-3", "series-4", "series-5", "series-6"];
const seriesColour = (index) => `var(--${SERIES[index % SERIES.length]})`;
