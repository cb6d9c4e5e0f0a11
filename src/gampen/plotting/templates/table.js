// The table of galaxies. Only rows in view are elements, so ten thousand cost what fifty do.

const chosen = { words: "", flag: null };
let current = 0; // the galaxy that arrows move from
let table;

const column = (title, fields, unit = "") => ({
  title, headerTooltip: fields.headerTooltip || title, titleFormatter: () => element("span", {}, title, element("small", {}, unit)), ...fields,
});

// Numbers that are not known come last, whichever way the rest is sorted.
function byNumber(a, b, _rowA, _rowB, _column, direction) {
  const last = direction === "asc" ? 1 : -1;
  if (!real(a)) return real(b) ? last : 0;
  return real(b) ? a - b : -last;
}

function quantityColumn(quantity) {
  const errors = quantity.median.map((median, g) => Math.min(quantity.high[g] - median, median - quantity.low[g]))
    .filter(Number.isFinite).sort();
  const decimals = decimalsFor(d3.quantileSorted(errors, 0.35));
  const width = Math.min(9, fixed(d3.quantileSorted(errors, 0.98) * 1.5, decimals).length + 1);
  return column(quantity.short, {
    field: quantity.name, sorter: byNumber, headerTooltip: quantity.label, hozAlign: "right", headerHozAlign: "right", minWidth: 112,
    formatter: (cell) => {
      const g = cell.getData().galaxy;
      return real(quantity.median[g]) ? measured(quantity.median[g], quantity.low[g], quantity.high[g], decimals, width) : "";
    },
  }, quantity.unit);
}

function columns() {
  const doubt = numberNamed("doubt"), noise = numberNamed("signal_to_noise"), scale = numberNamed("crop_scale");
  const plain = (number, title, decimals, priority) => column(title, {
    field: number.name, sorter: byNumber, hozAlign: "right", headerHozAlign: "right", width: 84, responsive: priority,
    formatter: (cell) => (real(cell.getValue()) ? fixed(cell.getValue(), decimals) : ""),
  });
  const has = (number) => number && number.values.some(Number.isFinite);
  return [
    ...(Object.keys(payload.pictures).length ? [column("", { field: "picture", headerSort: false, width: 56, minWidth: 56, formatter: thumbnail, cssClass: "thumb", responsive: 8 })] : []),
    column("Galaxy", { field: "id", sorter: "alphanum", minWidth: 112, widthGrow: 2, responsive: 0, cssClass: "name", formatter: (cell) => element("span", { title: cell.getValue() }, cell.getValue()) }),
    ...quantities.filter((quantity) => quantity.tabled).map((quantity, n) => ({ ...quantityColumn(quantity), responsive: n })),
    ...(has(noise) ? [plain(noise, "S/N", 0, 5)] : []),
    ...(has(doubt) ? [column("Epistemic", { field: "doubt", sorter: byNumber, width: 104, hozAlign: "right", headerHozAlign: "right", responsive: 6,
      formatter: doubtCell, headerTooltip: "the largest share of a parameter's variance that is the network's own doubt" })] : []),
    ...(has(scale) ? [plain(scale, "Crop", 2, 7)] : []),
    column("Flags and status", { field: "notes", sorter: "number", minWidth: 130, widthGrow: 2, responsive: 4, formatter: notes }),
  ];
}

function thumbnail(cell) {
  const picture = payload.pictures[cell.getData().galaxy];
  return picture ? element("img", { src: picture.cutout, alt: "" }) : "";
}

function doubtCell(cell) {
  if (!real(cell.getValue())) return "";
  const inside = element("span", { class: "epistemic" });
  inside.style.width = `${100 * cell.getValue()}%`;
  return element("span", { class: "doubt-cell" }, element("span", { class: "meter" }, inside),
    element("span", {}, `${(100 * cell.getValue()).toFixed(cell.getValue() < 0.0995 ? 1 : 0)} %`));
}

function notes(cell) {
  const { galaxy } = cell.getData();
  const made = element("span", { class: "notes" }, ...flagsOf(galaxy).map((flag) => element("span", { class: "chip", title: flag.description }, flag.words)));
  if (!sound(galaxy)) made.append(element("span", { class: "reason", title: payload.status[galaxy] }, payload.status[galaxy]));
  return made;
}

function rows() {
  const found = new Array(galaxies), kept = [...quantities.map((q) => [q.name, q.median]), ...numbers.map((n) => [n.name, n.values])];
  for (let galaxy = 0; galaxy < galaxies; galaxy += 1) {
    const row = { galaxy, id: payload.ids[galaxy], notes: flags[galaxy] + (sound(galaxy) ? 0 : 2 ** 31) };
    for (const [name, values] of kept) row[name] = values[galaxy];
    found[galaxy] = row;
  }
  return found;
}

function startTable(ready) {
  const place = document.getElementById("table");
  table = new Tabulator(place, {
    data: rows(), index: "galaxy", columns: columns(), layout: "fitColumns", responsiveLayout: "hide",
    maxHeight: "min(78vh, 900px)", rowHeight: 46, headerSortTristate: true, resizableColumns: false,
    placeholder: "No galaxy is left: take something out of the filter.", keybindings: false, autoResize: false, columnDefaults: { headerSortStartingDir: "asc" },
    rowFormatter: (row) => {
      const line = row.getElement(), { galaxy } = row.getData();
      line.id = `galaxy-${galaxy}`;
      line.classList.toggle("current", galaxy === current);
      line.setAttribute("aria-selected", galaxy === current);
    },
  });
  let list = null;
  order = () => (list ??= table.getRows("active").map((row) => row.getData().galaxy));
  const anew = () => { list = null; };
  table.on("dataFiltered", (_filters, rowsLeft) => { anew(); afterFilter(rowsLeft); });
  table.on("dataSorted", anew);
  table.on("rowClick", (_event, row) => { choose(row.getData().galaxy); openGalaxy(current); });
  table.on("tableBuilt", () => { reachable(place); keysOf(place); fitting(place); ready(); });
  left = (galaxy) => { if (galaxy >= 0) choose(galaxy); place.focus({ preventScroll: true }); };
}

// Rows are laid out anew when the width changes and at no other time: Tabulator alone also does it whenever the table
// comes into view, and a row that is taken out under a finger is never clicked.
function fitting(place) {
  let width = place.clientWidth;
  new ResizeObserver(() => {
    if (place.clientWidth === width) return;
    width = place.clientWidth;
    table.redraw();
  }).observe(place);
}

// The table takes the focus as a whole; its headers sort by Enter or the space bar.
function reachable(place) {
  place.tabIndex = 0;
  place.querySelector(".tabulator-tableholder").tabIndex = -1;
  place.setAttribute("aria-rowcount", galaxies);
  place.setAttribute("aria-activedescendant", `galaxy-${current}`);
  for (const head of place.querySelectorAll(".tabulator-col.tabulator-sortable")) {
    head.tabIndex = 0;
    head.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      head.click();
    });
  }
}

function choose(galaxy) {
  const before = document.getElementById(`galaxy-${current}`);
  before?.classList.remove("current");
  before?.setAttribute("aria-selected", "false");
  current = galaxy;
  const row = table.getRow(galaxy);
  if (!row) return;
  table.scrollToRow(row, "nearest", false).catch(() => {}).finally(() => {
    const line = document.getElementById(`galaxy-${galaxy}`);
    line?.classList.add("current");
    line?.setAttribute("aria-selected", "true");
  });
  document.getElementById("table").setAttribute("aria-activedescendant", `galaxy-${galaxy}`);
}

function keysOf(place) {
  place.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const list = order(), at = list.indexOf(current), page = 10;
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: list.length - 1 };
    if (event.key === "Enter" && list.length) { event.preventDefault(); openGalaxy(at < 0 ? list[0] : current); return; }
    if (!(event.key in moves) || !list.length) return;
    event.preventDefault();
    choose(list[at < 0 ? 0 : Math.min(list.length - 1, Math.max(0, moves[event.key]))]);
  });
}

function applyFilter() {
  const { test, problem } = readFilter(chosen.words);
  const input = document.getElementById("filter");
  input.toggleAttribute("aria-invalid", Boolean(problem));
  document.getElementById("filter-note").textContent = problem && `Left out of the filter: ${problem}.`;
  const flagged = chosen.flag === null ? () => true : chosen.flag === 0 ? (g) => flags[g] === 0 : (g) => flags[g] & chosen.flag;
  table.setFilter((row) => flagged(row.galaxy) && test(row.galaxy));
}

function afterFilter(rowsLeft) {
  const all = rowsLeft.length === galaxies;
  document.getElementById("count").textContent = all ? `${counted(galaxies)} galaxies` : `${counted(rowsLeft.length)} of ${counted(galaxies)}`;
  plane.shown = all ? null : new Set(rowsLeft.map((row) => row.getData().galaxy));
  drawPlane();
}

function chips() {
  const counts = payload.flag_names.map((flag) => [flag, d3.sum(flags, (value) => (value & flag.bit ? 1 : 0))]).filter(([, count]) => count);
  const none = d3.sum(flags, (value) => (value === 0 ? 1 : 0));
  if (!counts.length) return [];
  const entries = [[{ bit: 0, words: "no flag", description: "nothing unusual" }, none], ...counts];
  return entries.map(([flag, count]) => {
    const made = element("button", { type: "button", class: "chip", "aria-pressed": "false", title: flag.description }, flag.words, element("b", {}, counted(count)));
    made.addEventListener("click", () => {
      chosen.flag = chosen.flag === flag.bit ? null : flag.bit;
      for (const other of made.parentElement.children) other.setAttribute("aria-pressed", other === made && chosen.flag !== null);
      applyFilter();
    });
    return made;
  });
}

function startFilter() {
  const input = document.getElementById("filter"), help = document.getElementById("filter-help"), words = document.getElementById("filter-words");
  let waiting;
  const apply = () => { clearTimeout(waiting); if (chosen.words !== input.value) { chosen.words = input.value; applyFilter(); } };
  input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, 120); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.preventDefault(); input.value = ""; apply(); }
    if (event.key === "Enter" || event.key === "ArrowDown") { event.preventDefault(); apply(); document.getElementById("table").focus(); const list = order(); if (list.length && !list.includes(current)) choose(list[0]); }
  });
  help.addEventListener("click", () => {
    if (!words.childElementCount) words.append(...filterWords());
    words.hidden = !words.hidden;
    help.setAttribute("aria-expanded", !words.hidden);
  });
  document.getElementById("chips").append(...chips());
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key !== "/" || typing || dialog.open || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
}
