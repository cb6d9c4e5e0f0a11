// The words of the filter: text that a galaxy's name, file, status or flags hold, and comparisons such
// as `mag<21`. All of them must hold. A comparison with a number that is not known never holds.

const COMPARE = {
  "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
  "=": (a, b) => a === b, "!=": (a, b) => a !== b,
};
const COMPARISON = /^([\p{L}_][\p{L}\p{N}_/]*)(<=|>=|!=|<|>|=)(.*)$/u;

// What may be compared, by every name that it goes by.
const comparable = once(() => {
  const found = new Map();
  for (const number of numbers) for (const name of [number.name, ...number.aliases]) found.set(name.toLowerCase(), number.values);
  for (const quantity of quantities) {
    for (const name of [quantity.name, ...quantity.aliases]) {
      found.set(name.toLowerCase(), quantity.median);
      found.set(`${name.toLowerCase()}_lo68`, quantity.low);
      found.set(`${name.toLowerCase()}_hi68`, quantity.high);
    }
  }
  return found;
});

const haystack = once(() => payload.ids.map((id, galaxy) => [
  id, payload.files[galaxy], payload.status[galaxy] || "ok", ...flagsOf(galaxy).map((flag) => `${flag.name} ${flag.words}`),
].join("\n").toLowerCase()));

// {test(galaxy), problem}: a function that says whether a galaxy is shown, and what could not be read.
function readFilter(text) {
  const tests = [], problems = [];
  for (const word of text.match(/"[^"]*"?|\S+/gu) || []) {
    const comparison = COMPARISON.exec(word);
    if (!comparison) {
      const wanted = word.replaceAll('"', "").toLowerCase();
      if (wanted) tests.push((galaxy) => haystack()[galaxy].includes(wanted));
      continue;
    }
    const [, name, sign, value] = comparison;
    const values = comparable().get(name.toLowerCase()), limit = Number(value);
    if (!values) problems.push(`there is no column “${name}”`);
    else if (value.trim() === "" || Number.isNaN(limit)) problems.push(`“${word}” needs a number after ${sign}`);
    else tests.push((galaxy) => real(values[galaxy]) && COMPARE[sign](values[galaxy], limit));
  }
  return { test: (galaxy) => tests.every((holds) => holds(galaxy)), problem: problems.join("; ") };
}

function filterWords() {
  const names = [...quantities, ...numbers].map((column) => element("li", {},
    element("code", {}, column.name), ...column.aliases.flatMap((alias) => [" or ", element("code", {}, alias)]),
    column.unit ? ` [${column.unit}]` : ""));
  return [
    element("p", {}, "Words are looked for in ids, file names, status and flags; ", element("code", {}, "name<number"),
      " compares a column (", element("code", {}, "< <= > >= = !="), "). Every part must hold. Medians are compared; ",
      element("code", {}, "mag_lo68"), " and ", element("code", {}, "mag_hi68"), " are the ends of a 68 % interval."),
    element("ul", {}, ...names),
  ];
}
