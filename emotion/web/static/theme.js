// Light or dark, before anything is shown: by the system's wish, or as chosen with the button.
// No module: those run only once the page is there, and it would flash in the other colours.

(() => {
  const KEY = "emotion-theme";
  const ORDER = ["system", "light", "dark"];
  const WORDS = { system: "Colours: as the system", light: "Colours: light", dark: "Colours: dark" };
  let theme = "system";
  try {
    theme = ORDER.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : "system";
  } catch {
    // No storage: it lasts until the page is closed.
  }

  function show() {
    document.documentElement.dataset.theme = theme;
    const button = document.getElementById("theme");
    if (!button) return;
    button.title = WORDS[theme];
    button.setAttribute("aria-label", WORDS[theme]);
    window.dispatchEvent(new Event("themechange"));
  }

  // Paper is white, whatever the screen is, and narrower than most: charts are drawn anew for it.
  function onPaper(wanted) {
    document.documentElement.classList.toggle("paper", wanted);
    document.documentElement.dataset.theme = wanted ? "light" : theme;
    window.dispatchEvent(new Event("themechange"));
  }

  window.addEventListener("beforeprint", () => onPaper(true));
  window.addEventListener("afterprint", () => onPaper(false));

  show();
  document.addEventListener("DOMContentLoaded", () => {
    show();
    document.getElementById("theme").addEventListener("click", () => {
      theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
      try {
        localStorage.setItem(KEY, theme);
      } catch {
        // see above
      }
      show();
    });
  });
})();
