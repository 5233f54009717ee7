// Movies with stars. What one clicks is filled at once; Python's answer says the same.

import { make, outbox, starRow } from "./stars.js";

export default function ({ parentElement, data, setTriggerValue }) {
  const shelf = parentElement.querySelector(".shelf");
  shelf.setAttribute("aria-label", data.label);
  const box = outbox(shelf, data.seen, (ratings) => setTriggerValue("rate", ratings));
  const active = parentElement.activeElement;
  const focused = active?.closest?.("[data-index]")?.dataset.index;
  const star = focused ? [...active.parentElement.children].indexOf(active) : -1;
  shelf.replaceChildren(
    ...data.movies.map((movie) => {
      const entry = make("div", "movie");
      entry.setAttribute("role", "listitem");
      entry.dataset.index = movie.index;
      const words = make("div");
      words.append(make("span", "title", movie.title), make("span", "note", movie.note));
      entry.append(
        words,
        starRow(movie.title, box.stars(movie.index, movie.stars), (stars) => box.put(movie.index, stars)),
      );
      return entry;
    }),
  );
  if (focused) parentElement.querySelector(`[data-index="${focused}"]`)?.querySelectorAll("button")[star]?.focus({ preventScroll: true });
}
