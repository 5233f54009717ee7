// A grid of digits as buttons. One Tab stop; arrows, Home and End move inside; a click, Enter or Space picks.

const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

export default function ({ parentElement, data, setTriggerValue }) {
  const grid = parentElement.querySelector(".gallery");
  grid.setAttribute("aria-label", data.label);

  if (grid.childElementCount !== data.names.length) {
    grid.replaceChildren(
      ...data.names.map(() => {
        const button = document.createElement("button");
        button.type = "button";
        return button;
      }),
    );
  }
  const buttons = [...grid.children];
  const last = buttons.length - 1;
  const stop = (place) => buttons.forEach((button, i) => (button.tabIndex = i === place ? 0 : -1));
  const press = (place) => buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === place)));
  buttons.forEach((button, i) => {
    button.setAttribute("aria-label", data.names[i]);
    button.title = data.names[i];
    button.style.backgroundImage = `url("${data.sprite}")`;
    button.style.backgroundSize = `${100 * buttons.length}% 100%`;
    button.style.backgroundPosition = `${last ? (100 * i) / last : 0}% 0`;
    button.onclick = () => {
      press(i); // at once; Python's answer says the same
      stop(i);
      setTriggerValue("pick", i);
    };
  });
  press(data.chosen);
  if (!grid.contains(parentElement.activeElement)) stop(data.chosen ?? 0);

  grid.onkeydown = (event) => {
    const place = buttons.indexOf(event.target);
    const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
    const moves = { ...STEPS, ArrowUp: -columns, ArrowDown: columns, Home: -place, End: last - place };
    if (!(event.key in moves) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const next = place + moves[event.key];
    if (next < 0 || next > last) return;
    stop(next);
    buttons[next].focus();
  };
}
