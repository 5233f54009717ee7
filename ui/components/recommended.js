// Recommendations with reasons that unfold, and stars. Which ones are unfolded outlives the next answer.

import { make, outbox, starRow } from "./stars.js";

export default function ({ parentElement, data, setTriggerValue }) {
  const list = parentElement.querySelector(".recommended");
  const box = outbox(list, data.seen, (ratings) => setTriggerValue("rate", ratings));
  const open = new Set([...list.querySelectorAll("details[open]")].map((one) => one.dataset.index));
  const active = parentElement.activeElement;
  const focused = active?.tagName === "SUMMARY" ? active.parentElement.dataset.index : null;
  list.replaceChildren(
    ...data.movies.map((movie, rank) => {
      const entry = make("li");
      const words = make("div");
      const title = make("button", "title", movie.title);
      title.type = "button";
      title.title = "Show similar movies";
      title.onclick = () => setTriggerValue("pick", movie.index);
      words.append(title, make("span", "note", `${movie.note} · ${movie.support}`));
      const details = make("details");
      details.dataset.index = movie.index;
      details.open = open.has(String(movie.index));
      details.append(make("summary", "", movie.because));
      const reasons = make("dl");
      for (const reason of movie.reasons) {
        const row = make("div");
        const name = make("dt", "", `${reason.title} `);
        name.append(make("span", "", `${reason.stars} ★`));
        const balance = make("dd", "balance");
        const part = make("i", reason.part < 0 ? "against" : "for");
        part.style.width = `${50 * Math.min(1, Math.abs(reason.part))}%`;
        balance.append(part);
        row.append(name, balance, make("dd", "amount", reason.amount), make("dd", "without", reason.without));
        reasons.append(row);
      }
      details.append(reasons);
      entry.append(
        make("span", "rank", String(rank + 1)),
        words,
        starRow(movie.title, box.stars(movie.index, 0), (stars) => box.put(movie.index, stars)),
        details,
      );
      return entry;
    }),
  );
  if (focused) list.querySelector(`details[data-index="${focused}"] summary`)?.focus({ preventScroll: true });
}
