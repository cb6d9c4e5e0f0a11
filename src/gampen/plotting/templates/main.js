// The order in which the page comes to life, and what of it a console may ask for.

startTheme();
startGalaxy();
startTable(() => {
  startFilter();
  afterFilter(table.getRows("active"));
  // Two frames on, all that was drawn is seen.
  requestAnimationFrame(() => requestAnimationFrame(() => { document.documentElement.dataset.ready = "table"; }));
});
startCharts();
startPlane(openGalaxy);

// `gampen.marginal(12, 0)` is the first parameter's marginal of galaxy 12, as it is drawn.
window.gampen = {
  payload,
  open: openGalaxy,
  order: () => order(),
  marginal: (galaxy, p) => marginalOf(mixtureOf(galaxy), p, numberNamed("zero_point")?.values[galaxy]),
  joint: (galaxy, p, q) => {
    const mixture = mixtureOf(galaxy), zero = numberNamed("zero_point")?.values[galaxy];
    const [x, y] = [p, q].map((which) => marginalOf(mixture, which, zero));
    return { ...jointOf(mixture, p, q, x, y), x, y };
  },
  doubts: (galaxy) => epistemicShares(mixtureOf(galaxy)),
};
