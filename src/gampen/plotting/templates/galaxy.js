// One galaxy, opened: its pictures, numbers, doubts, flags and joint posterior.

const dialog = document.getElementById("galaxy");
let opened = -1;
let order = () => d3.range(galaxies); // the galaxies as the table has them, set by it
let left = () => {}; // called with the galaxy on which the dialog is closed

function openGalaxy(galaxy) {
  opened = galaxy;
  if (!dialog.open) dialog.showModal();
  dialog.replaceChildren(headOf(galaxy), sound(galaxy) ? bodyOf(galaxy) : reasonOf(galaxy));
  dialog.scrollTop = 0;
  const corner = dialog.querySelector(".corner-place");
  if (corner) corner.append(cornerOf(galaxy, Math.min(620, Math.max(320, corner.clientWidth)), truthsOf(galaxy)));
  dialog.querySelector("h2").focus();
}

function step(by) {
  const list = order(), at = list.indexOf(opened), next = list[at + by];
  if (at >= 0 && next !== undefined) openGalaxy(next);
}

function button(label, sign, action, disabled) {
  const made = element("button", { type: "button", class: "quiet", "aria-label": label, title: label, disabled }, sign);
  made.addEventListener("click", action);
  return made;
}

function headOf(galaxy) {
  const list = order(), at = list.indexOf(galaxy);
  const place = at < 0 ? "" : `${counted(at + 1)} of ${counted(list.length)}`;
  const where = positionOf(galaxy);
  return element("header", {},
    element("div", {}, element("h2", { id: "galaxy-id", tabindex: "-1" }, payload.ids[galaxy]),
      element("p", { class: "note" }, [payload.files[galaxy], where].filter(Boolean).join("  ·  "))),
    element("span", { class: "note place" }, place),
    button("Previous galaxy (←)", "←", () => step(-1), at <= 0),
    button("Next galaxy (→)", "→", () => step(1), at < 0 || at === list.length - 1),
    button("Close (Esc)", "✕", () => dialog.close()));
}

function positionOf(galaxy) {
  const [ra, dec] = ["ra", "dec"].map((name) => numberNamed(name)?.values[galaxy]);
  return real(ra) && real(dec) ? `${ra.toFixed(5)}° ${dec < 0 ? MINUS : "+"}${Math.abs(dec).toFixed(5)}°` : "";
}

function reasonOf(galaxy) {
  return element("div", { class: "body single" },
    element("p", { class: "empty" }, element("b", {}, "No posterior. "), payload.status[galaxy]), flagsPart(galaxy));
}

function bodyOf(galaxy) {
  return element("div", { class: "body" },
    element("div", { class: "aside" }, picturesPart(galaxy), numbersPart(galaxy), doubtPart(galaxy), flagsPart(galaxy), factsPart(galaxy)),
    element("section", { class: "joint", "aria-label": "Joint posterior" },
      element("h3", {}, "Joint posterior"), element("div", { class: "corner-place" }),
      element("p", { class: "note key" }, keyOf("s68", "68 %"), keyOf("s95", "95 %"), keyOf("line", "median"),
        truthsOf(galaxy) ? keyOf("true", "truth") : null)));
}

const keyOf = (name, text) => element("span", {}, element("span", { class: `swatch ${name}` }), text);

function truthsOf(galaxy) {
  const found = quantities.filter((quantity) => quantity.truth && real(quantity.truth[galaxy]));
  return found.length ? Object.fromEntries(found.map((quantity) => [quantity.name, quantity.truth[galaxy]])) : null;
}

// The cutout with the learned crop on it, the model and what is left of the image.
function picturesPart(galaxy) {
  const picture = payload.pictures[galaxy];
  if (!picture) return element("p", { class: "empty" }, payload.why_no_picture);
  const captions = { cutout: "cutout, learned crop", model: "model of the posterior", residual: "cutout less model, ±5 σ" };
  const figures = Object.keys(captions).filter((kind) => picture[kind]).map((kind) => element("figure", { class: `picture ${kind}` },
    element("div", { class: "frame" },
      element("img", { src: picture[kind], alt: `${captions[kind]} of ${payload.ids[galaxy]}`, loading: "lazy" }),
      overlayOf(picture, kind), scaleBar(picture, kind)),
    element("figcaption", {}, captions[kind])));
  const fit = real(picture.chi_square) ? element("p", { class: "note" }, "reduced χ² near the galaxy ", element("b", {}, short(picture.chi_square, 3)),
    picture.chi_square > 3 ? ": more than noise is left over" : "") : null;
  return element("section", { "aria-label": "Pictures" }, element("div", { class: "pictures" }, ...figures), fit);
}

function overlayOf(picture, kind) {
  const svg = d3.create("svg").attr("viewBox", `0 0 ${picture.width} ${picture.height}`).attr("aria-hidden", "true");
  if (picture.outline) svg.append("polygon").attr("class", kind === "cutout" ? "crop" : "crop pale")
    .attr("points", picture.outline.map((corner) => corner.join(",")).join(" "));
  return svg.node();
}

// A bar of a round length, its text above it.
function scaleBar(picture, kind) {
  if (kind !== "cutout" || !picture.bar) return null;
  const made = element("span", { class: "scale-bar" }, picture.bar.text);
  made.style.width = `${(100 * picture.bar.length) / picture.width}%`;
  return made;
}

function numbersPart(galaxy) {
  const rows = quantities.filter((quantity) => real(quantity.median[galaxy])).map((quantity) => {
    const { median, low, high, truth } = quantity;
    const decimals = decimalsFor(Math.min(high[galaxy] - median[galaxy], median[galaxy] - low[galaxy]));
    const parameter = payload.space.find((known) => known.name === quantity.name);
    const unit = parameter ? unitOf(parameter, galaxy, NaN) : quantity.unit;
    return element("tr", {}, element("th", { scope: "row" }, quantity.label, unit ? element("small", {}, ` ${unit}`) : ""),
      element("td", { class: "number" }, measured(median[galaxy], low[galaxy], high[galaxy], decimals)),
      element("td", { class: "number" }, `${fixed(low[galaxy], decimals)} – ${fixed(high[galaxy], decimals)}`),
      hasTruths ? element("td", { class: "number true" }, truth ? fixed(truth[galaxy], decimals) : "") : null);
  });
  const kinds = ["p_disk_dominated", "p_bulge_dominated"].map(numberNamed).filter((kind) => kind && real(kind.values[galaxy]))
    .map((kind) => `${kind.label} with probability ${(100 * kind.values[galaxy]).toFixed(0)} %`);
  const table = element("table", { class: "plain numbers" }, element("thead", {}, element("tr", {},
    element("th", { scope: "col" }, "Posterior"), element("th", { scope: "col", class: "number" }, "median"),
    element("th", { scope: "col", class: "number" }, "68 % interval"),
    hasTruths ? element("th", { scope: "col", class: "number" }, "truth") : null)), element("tbody", {}, ...rows));
  return element("section", { "aria-label": "Numbers" }, table, element("p", { class: "note" }, kinds.join(", ")));
}
const hasTruths = quantities.some((quantity) => quantity.truth);

// What no network could know, and what this one does not: shares of each parameter's variance.
function doubtPart(galaxy) {
  const shares = epistemicShares(mixtureOf(galaxy));
  const bars = shares.map((share, p) => {
    const inside = element("span", { class: "epistemic" });
    inside.style.width = `${100 * share}%`;
    return element("div", { class: "doubt" }, element("span", {}, payload.space[p].label),
      element("span", { class: "meter", role: "img", "aria-label": `epistemic ${(100 * share).toFixed(1)} %` }, inside),
      element("span", { class: "number" }, `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`));
  });
  return element("section", {}, element("h3", {}, "Whose doubt"), ...bars,
    element("p", { class: "note key" }, keyOf("aleatoric", "the image's (aleatoric)"),
      keyOf("epistemic", "the network's (epistemic), in percent of the variance")));
}

function flagsPart(galaxy) {
  const found = flagsOf(galaxy);
  return element("section", {}, element("h3", {}, "Flags"),
    found.length ? element("ul", { class: "flags" }, ...found.map((flag) => element("li", {},
      element("span", { class: "chip" }, flag.words), element("span", {}, flag.description))))
      : element("p", { class: "note" }, "None: nothing unusual was seen."));
}

function factsPart(galaxy) {
  const found = numbers.filter((number) => number.fact && real(number.values[galaxy]));
  return element("dl", { class: "facts small" }, ...found.map((number) => element("div", {},
    element("dt", {}, number.label), element("dd", {}, short(number.values[galaxy]), number.unit ? ` ${number.unit}` : ""))));
}

function startGalaxy() {
  dialog.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: -1, ArrowRight: 1 }; // up and down scroll what is open
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    step(moves[event.key]);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => { left(opened); opened = -1; });
}
