// Dark or light: as the system has it, or as was chosen here.

const OTHER = { dark: "light", light: "dark" };

export function turn() {
  const root = document.documentElement;
  root.dataset.look = OTHER[shown()];
  localStorage.setItem("studio.look", root.dataset.look);
}

function shown() {
  return document.documentElement.dataset.look || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}
