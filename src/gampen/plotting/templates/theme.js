// Light, dark, or as the system has it: worn before anything is drawn. What is drawn on a canvas
// adds itself to `themed`, to be drawn again after a change.

"use strict";

const themed = [];
const THEMES = ["auto", "light", "dark"];
const SIGNS = { auto: "◐", light: "☀", dark: "☾" };
const MEANINGS = { auto: "as the system has them", light: "light", dark: "dark" };
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

// A page opened from a disk may not be allowed to remember anything.
function rememberedTheme() {
  try { return localStorage.getItem("gampen-theme"); } catch { return null; }
}
function rememberTheme(theme) {
  try { localStorage.setItem("gampen-theme", theme); } catch { /* it forgets */ }
}

let theme = THEMES.includes(rememberedTheme()) ? rememberedTheme() : "auto";

function wearTheme() {
  const dark = theme === "dark" || (theme === "auto" && systemIsDark.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  const button = document.getElementById("theme");
  if (!button) return;
  button.textContent = SIGNS[theme];
  button.title = `Colours: ${MEANINGS[theme]}`;
  button.setAttribute("aria-label", button.title);
  for (const draw of themed) draw();
}

function startTheme() {
  document.getElementById("theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    rememberTheme(theme);
    wearTheme();
  });
  systemIsDark.addEventListener("change", wearTheme);
  wearTheme();
}

wearTheme();
