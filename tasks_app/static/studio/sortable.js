// An order that is changed by dragging its items, with a pointer that can drag. Whoever uses it has buttons for all others.

const OURS = "application/x-darkroom-place";

/** `move(from, to)` hears where an item was dropped. */
export function sortable(list, move) {
  let from = null;
  const items = () => [...list.children];
  list.addEventListener("dragstart", (event) => {
    from = items().findIndex((item) => item.contains(event.target));
    event.dataTransfer.setData(OURS, String(from));
    event.dataTransfer.effectAllowed = "move";
    items()[from].classList.add("is-dragged");
  });
  list.addEventListener("dragover", (event) => {
    if (from === null) return;
    event.preventDefault();
    event.stopPropagation();
    const over = items().findIndex((item) => item.contains(event.target));
    items().forEach((item, index) => item.classList.toggle("is-target", index === over && index !== from));
  });
  list.addEventListener("drop", (event) => {
    if (from === null) return;
    event.preventDefault();
    event.stopPropagation();
    const to = items().findIndex((item) => item.contains(event.target));
    if (to !== -1 && to !== from) move(from, to);
  });
  list.addEventListener("dragend", () => {
    from = null;
    items().forEach((item) => item.classList.remove("is-dragged", "is-target"));
  });
}
