// Five stars as a radio group: a click or a key fills them, a click on the last filled one empties them. And an outbox for
// what was clicked, because a click may come before the answer to the last one.

const STAR = "m12 3.2 2.7 5.6 6.1.8-4.5 4.3 1.1 6.1-5.4-3-5.4 3 1.1-6.1L3.2 9.6l6.1-.8z";
const NAMES = ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"];

export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** The stars of one movie. `onRate(stars)` is called at once; 0 takes the rating back. */
export function starRow(title, stars, onRate) {
  const row = make("div", "stars");
  row.setAttribute("role", "radiogroup");
  row.setAttribute("aria-label", `Stars for ${title}`);
  let rated = stars;
  const buttons = NAMES.map((name, i) => {
    const button = make("button", "star");
    button.type = "button";
    button.setAttribute("role", "radio");
    button.setAttribute("aria-label", name);
    button.title = name;
    button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${STAR}"/></svg>`;
    button.onclick = () => rate(rated === i + 1 ? 0 : i + 1);
    button.onpointerenter = (event) => event.pointerType === "mouse" && fill(i + 1);
    return button;
  });
  const fill = (count) =>
    buttons.forEach((button, i) => {
      button.classList.toggle("full", i + 1 <= count);
      button.classList.toggle("half", i + 1 > count && i + 0.5 <= count);
    });
  const show = () => {
    fill(rated);
    row.classList.toggle("rated", rated > 0);
    buttons.forEach((button, i) => {
      button.setAttribute("aria-checked", String(Math.round(rated) === i + 1));
      button.tabIndex = i === Math.max(0, Math.round(rated) - 1) ? 0 : -1;
    });
  };
  const rate = (count) => {
    rated = count;
    show();
    onRate(count);
  };
  row.onpointerleave = show;
  row.onkeydown = (event) => {
    const here = buttons.indexOf(event.target);
    if (here < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    const next = step ? here + step : -1;
    if (step && (next < 0 || next > 4)) return event.preventDefault();
    if (step) buttons[next].focus();
    else if (/^[1-5]$/.test(event.key)) {
      buttons[Number(event.key) - 1].focus();
      rate(Number(event.key));
    } else if (["Delete", "Backspace", "0"].includes(event.key)) rate(0);
    else return;
    event.preventDefault();
  };
  show();
  row.append(...buttons);
  return row;
}

const outboxes = new WeakMap(); // a component's root -> ratings on their way: index -> { stars, number }

/** Ratings that Python has not seen yet. All of them are sent with each new one: of several requests that wait while the
 *  script runs, only the last is answered. `seen` is the number of the last one that Python knows. */
export function outbox(root, seen, send) {
  if (!outboxes.has(root)) outboxes.set(root, new Map());
  const waiting = outboxes.get(root);
  for (const [index, one] of waiting) if (one.number <= seen) waiting.delete(index);
  return {
    stars: (index, known) => waiting.get(index)?.stars ?? known,
    put(index, stars) {
      const number = Math.max(Date.now(), seen + 1, ...[...waiting.values()].map((one) => one.number + 1));
      waiting.set(index, { stars, number });
      send([...waiting].map(([index, one]) => ({ index, ...one })));
    },
  };
}
