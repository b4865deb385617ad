// Before the first paint: dark where the person's system is dark.
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const use = () => document.documentElement.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
  dark.addEventListener("change", use);
  use();
})();
