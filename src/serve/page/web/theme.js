// Light or dark, before anything is drawn: what was chosen here, else what the system has.
"use strict";
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    let theme = null;
    try {
      theme = localStorage.getItem("troika.theme");
    } catch {
      // storage is forbidden: the system's choice it is
    }
    if (theme !== "light" && theme !== "dark") theme = system.matches ? "dark" : "light";
    document.documentElement.dataset.theme = theme;
  };
  apply();
  system.addEventListener("change", apply);
})();
