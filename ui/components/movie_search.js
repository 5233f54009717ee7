// A combobox: the list below the field answers while one types. Arrows move, Enter picks, Escape closes.

const PAUSE = 90; // milliseconds without a key before the script is asked
const mounted = new WeakMap(); // the component's root -> what it remembers between the script's answers

export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".movie-search");
  const input = root.querySelector("input");
  const list = root.querySelector("ul");
  const status = root.querySelector(".status");
  let here = mounted.get(root);
  if (!here) {
    here = { active: -1, open: false, shown: null, timer: 0, value: null, asked: "" };
    mounted.set(root, here);
  }
  root.querySelector("label").textContent = data.label;
  input.placeholder = data.placeholder;
  const editing = () => parentElement.activeElement === input || root.contains(document.activeElement);
  if (here.value !== data.value) {
    here.value = data.value;
    if (!here.open) input.value = data.value;
  }

  const options = () => [...list.querySelectorAll("li[role=option]")];
  const close = () => {
    here.open = false;
    here.active = -1;
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (place) => {
    here.active = place;
    options().forEach((option, i) => option.setAttribute("aria-selected", String(i === place)));
    const option = options()[place];
    if (!option) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };
  const pick = (one) => {
    clearTimeout(here.timer);
    close();
    here.asked = "";
    input.value = here.value = data.value === "" ? "" : one.title;
    setTriggerValue("pick", one.index);
  };
  const show = () => {
    list.replaceChildren(
      ...data.found.map((one, i) => {
        const option = document.createElement("li");
        option.setAttribute("role", "option");
        option.id = `movie-search-option-${i}`;
        option.append(one.title);
        const note = document.createElement("span");
        note.textContent = one.note;
        option.append(note);
        option.onpointerdown = (event) => event.preventDefault(); // the field keeps the focus
        option.onclick = () => pick(one);
        option.onpointermove = () => here.active !== i && mark(i);
        return option;
      }),
    );
    if (!data.found.length) {
      const none = document.createElement("li");
      none.className = "none";
      none.textContent = "No title is like that. Fewer letters find more.";
      list.append(none);
    }
    here.open = true;
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    status.textContent = `${data.found.length} titles`;
    mark(data.found.length ? 0 : -1);
  };

  // An answer counts if it is to what stands in the field now.
  if (here.asked && data.query === here.asked && input.value.trim() === here.asked && editing()) show();

  const ask = () => {
    clearTimeout(here.timer);
    const text = input.value.trim();
    if (!text) {
      here.asked = "";
      return close();
    }
    here.timer = setTimeout(() => {
      here.asked = text;
      if (text === data.query) show();
      else setStateValue("query", text);
    }, PAUSE);
  };
  input.oninput = ask;
  input.onfocus = () => input.select();
  input.onclick = () => !here.open && input.value === here.value && input.select(); // to be typed over
  input.onblur = () => {
    clearTimeout(here.timer);
    close();
    here.asked = "";
    if (here.value) input.value = here.value;
  };
  input.onkeydown = (event) => {
    const found = here.open ? data.found : [];
    if (event.key === "ArrowDown" && !here.open) ask();
    else if (event.key === "ArrowDown") mark(Math.min(here.active + 1, found.length - 1));
    else if (event.key === "ArrowUp") mark(Math.max(here.active - 1, 0));
    else if (event.key === "Enter" && found[here.active]) pick(found[here.active]);
    else if (event.key === "Escape") {
      close();
      if (here.value) input.value = here.value;
      input.select();
    } else return;
    event.preventDefault();
  };
}
