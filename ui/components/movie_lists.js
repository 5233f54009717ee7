// Ranked lists of movies, each entry a button. The one under the pointer or the focus is announced to the map.

const make = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};
const point = (index) => window.dispatchEvent(new CustomEvent("aecore-movie-pointed", { detail: index }));

export default function ({ parentElement, data, setTriggerValue }) {
  const lists = parentElement.querySelector(".lists");
  const focused = parentElement.activeElement?.dataset?.place;
  lists.style.setProperty("--columns", data.columns.length);
  lists.replaceChildren(
    ...data.columns.map((column, c) => {
      const section = make("section");
      section.dataset.kind = column.kind;
      section.setAttribute("aria-label", column.title);
      const list = make("ol");
      for (const [r, row] of column.rows.entries()) {
        const button = make("button");
        button.type = "button";
        button.dataset.place = `${c}:${r}`;
        const note = make("span", "note");
        note.append(make("span", "", row.note), make("span", "", row.support));
        const bar = make("span", "bar");
        const length = make("i");
        length.style.width = `${100 * Math.max(0, Math.min(1, row.part))}%`;
        bar.append(length);
        const title = make("span", row.common ? "title common" : "title", row.title);
        if (row.common) title.title = "The autoencoder lists it too";
        button.append(make("span", "rank", String(r + 1)), title, make("span", "score", row.score), note, bar);
        button.onclick = () => setTriggerValue("pick", row.index);
        button.onpointerenter = button.onfocus = () => point(row.index);
        button.onpointerleave = button.onblur = () => point(null);
        const item = make("li");
        item.append(button);
        list.append(item);
      }
      section.append(make("h3", "", column.title), make("p", "about", column.note));
      section.append(column.rows.length ? list : make("p", "none", "Nothing passes the filters."));
      return section;
    }),
  );
  if (focused) parentElement.querySelector(`[data-place="${focused}"]`)?.focus({ preventScroll: true });
}
