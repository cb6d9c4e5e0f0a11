// What the page holds, decoded on first use. Numbers lie in the page as base64 of little-endian
// 32- or 64-bit arrays: a tenth of what they would take as text, and read at once.

const KINDS = { f4: Float32Array, f8: Float64Array, i4: Int32Array };

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

function arrayOf(packed) {
  return new KINDS[packed.kind](bytesOf(packed.base64).buffer);
}

// A function whose first answer is kept.
function once(make) {
  let made;
  return () => (made === undefined ? (made = make()) : made);
}

const payload = JSON.parse(document.getElementById("payload").textContent);
const flags = arrayOf(payload.flags);
const galaxies = payload.ids.length;

// Quantities with a posterior: {name, label, unit, log, median, low, high, aliases}.
const quantities = payload.quantities.map((quantity) => ({
  ...quantity,
  median: arrayOf(quantity.median),
  low: arrayOf(quantity.low),
  high: arrayOf(quantity.high),
  truth: quantity.truth && arrayOf(quantity.truth),
}));

// Numbers without one: {name, label, unit, log, values}.
const numbers = payload.numbers.map((number) => ({ ...number, values: arrayOf(number.values) }));
const numberNamed = (name) => numbers.find((number) => number.name === name);
const quantityNamed = (name) => quantities.find((quantity) => quantity.name === name);

const sound = (galaxy) => payload.status[galaxy] === "";

function flagsOf(galaxy) {
  return payload.flag_names.filter((flag) => flags[galaxy] & flag.bit);
}

// The place of a galaxy among those with a posterior.
const placeOf = once(() => {
  const places = new Int32Array(galaxies).fill(-1);
  let place = 0;
  for (let galaxy = 0; galaxy < galaxies; galaxy += 1) if (sound(galaxy)) places[galaxy] = place++;
  return places;
});
