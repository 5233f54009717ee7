// A brush that paints black and white over a digit: pointer and keyboard become a map of 784 letters, row by row,
// "." where the digit is untouched, "b" and "w" where it is painted over. It knows nothing of what becomes of the map.

import { SIDE } from "./digit_from_ink.js";
import { inkPath } from "./drawing.js";

const RADIUS = 1.2 / SIDE; // of the brush, as a part of the side
const MOST_STEPS = 200; // that one can undo
const UNTOUCHED = ".".repeat(SIDE * SIDE);
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const COLOURS = { white: "w", black: "b", eraser: "." };
const COLOUR_NAMES = { w: "white", b: "black", ".": "untouched" };

/** The map after a stroke from one place to another (parts of the side), painted in a letter. */
export function paintStroke(map, from, to, letter) {
  const cover = new Float32Array(SIDE * SIDE);
  inkPath(cover, SIDE, [[...from, RADIUS], [...to, RADIUS]]);
  return Array.from(map, (old, i) => (cover[i] >= 0.5 ? letter : old)).join("");
}

class Brush {
  #root;
  #canvas;
  #told;
  #past = [];
  #future = [];
  #map = UNTOUCHED;
  #digit = new Float32Array(SIDE * SIDE);
  #letter = "w";
  #pointer = null;
  #last = null; // where the pointer was
  #before = null; // the map before the stroke in hand
  #cursor = { x: 13, y: 13, shown: false };

  constructor(root) {
    this.#root = root;
    this.#canvas = root.querySelector("canvas");
    const on = (type, listener) => this.#canvas.addEventListener(type, listener);
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) on(type, (event) => this.#up(event));
    on("keydown", (event) => this.#key(event));
    on("focus", () => this.#showCursor(this.#canvas.matches(":focus-visible") && this.#pointer === null));
    on("blur", () => this.#showCursor(false));
    on("contextmenu", (event) => event.preventDefault());
    for (const [name, letter] of Object.entries(COLOURS)) {
      root.querySelector(`.${name}`).addEventListener("click", () => this.#choose(letter));
    }
    root.querySelector(".undo").addEventListener("click", () => this.#undo());
    root.querySelector(".clear").addEventListener("click", () => this.#clear());
    this.#choose("w");
  }

  /** Whom to tell of a new map, once a stroke is done. */
  set onPainted(told) {
    this.#told = told;
  }

  /** The digit below the paint: 784 grey levels of two hexadecimal figures each. */
  set digit(greys) {
    for (let i = 0; i < this.#digit.length; i++) this.#digit[i] = parseInt(greys.slice(2 * i, 2 * i + 2), 16);
    this.#show();
  }

  /** Takes a map from elsewhere. */
  set map(map) {
    this.#past = [];
    this.#map = map || UNTOUCHED;
    this.#show();
  }

  #choose(letter) {
    this.#letter = letter;
    for (const [name, its] of Object.entries(COLOURS)) {
      this.#root.querySelector(`.${name}`).setAttribute("aria-pressed", String(its === letter));
    }
  }

  #step(before, words) {
    if (before === this.#map) return;
    this.#past.push(before);
    if (this.#past.length > MOST_STEPS) this.#past.shift();
    this.#tell(words);
  }

  #tell(words) {
    const count = Array.from(this.#map).filter((letter) => letter !== ".").length;
    this.#root.querySelector(".status").textContent = `${words} ${count} of 784 pixels are painted.`;
    this.#show();
    this.#told?.(this.#map === UNTOUCHED ? "" : this.#map);
  }

  #undo() {
    if (this.#past.length === 0) return;
    this.#map = this.#past.pop();
    this.#tell("Undone.");
  }

  #clear() {
    const before = this.#map;
    this.#map = UNTOUCHED;
    this.#step(before, "Cleared.");
  }

  #down(event) {
    if (this.#pointer !== null || event.button !== 0) return;
    event.preventDefault();
    this.#pointer = event.pointerId;
    this.#canvas.focus({ preventScroll: true });
    this.#showCursor(false);
    this.#canvas.setPointerCapture(event.pointerId);
    this.#before = this.#map;
    this.#last = this.#place(event);
    this.#map = paintStroke(this.#map, this.#last, this.#last, this.#letter);
    this.#show();
  }

  #move(event) {
    if (event.pointerId !== this.#pointer) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const move of moves.length ? moves : [event]) {
      const place = this.#place(move);
      this.#map = paintStroke(this.#map, this.#last, place, this.#letter);
      this.#last = place;
    }
    this.#show();
  }

  #up(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#pointer = null;
    this.#step(this.#before, "Painted.");
  }

  #place(event) {
    const box = this.#canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  #key(event) {
    const cursor = this.#cursor;
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key.toLowerCase() === "z") this.#undo();
    else if (command || event.altKey) return;
    else if (event.key === "Delete" || event.key === "Backspace") this.#clear();
    else if (event.key in MOVES) {
      const [dx, dy] = MOVES[event.key];
      cursor.x = Math.min(SIDE - 1, Math.max(0, cursor.x + dx));
      cursor.y = Math.min(SIDE - 1, Math.max(0, cursor.y + dy));
      const here = COLOUR_NAMES[this.#map[cursor.y * SIDE + cursor.x]];
      this.#root.querySelector(".status").textContent = `Row ${cursor.y + 1}, column ${cursor.x + 1}: ${here}.`;
      this.#showCursor(true);
    } else if (event.key === " ") {
      const before = this.#map;
      const place = [(cursor.x + 0.5) / SIDE, (cursor.y + 0.5) / SIDE];
      this.#map = paintStroke(before, place, place, this.#letter);
      this.#step(before, "Painted.");
    } else return;
    event.preventDefault(); // neither scroll the page nor leave it
    event.stopPropagation(); // nor set off Streamlit's own shortcuts
  }

  #showCursor(shown) {
    this.#cursor.shown = shown;
    this.#show();
  }

  #show() {
    const pixels = new Uint8ClampedArray(4 * SIDE * SIDE).fill(255);
    for (let i = 0; i < SIDE * SIDE; i++) {
      const painted = { b: 0, w: 255 }[this.#map[i]];
      pixels.fill(painted ?? this.#digit[i], 4 * i, 4 * i + 3);
      if (this.#map[i] === "b") pixels.set([70, 0, 40], 4 * i); // black on black would not be seen while painting
    }
    this.#canvas.getContext("2d").putImageData(new ImageData(pixels, SIDE, SIDE), 0, 0);
    const ring = this.#root.querySelector(".cursor");
    ring.hidden = !this.#cursor.shown;
    ring.style.left = `${(100 * this.#cursor.x) / SIDE}%`;
    ring.style.top = `${(100 * this.#cursor.y) / SIDE}%`;
    this.#root.querySelector(".undo").setAttribute("aria-disabled", String(this.#past.length === 0));
    this.#root.querySelector(".clear").setAttribute("aria-disabled", String(this.#map === UNTOUCHED));
  }
}

const mounted = new WeakMap(); // root element -> { brush, seen, sent }

/** Streamlit calls this after each rerun that changed the data. A map that was sent from here is no news. */
export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".damage-brush");
  let here = mounted.get(root);
  if (!here) {
    here = { brush: new Brush(root), seen: null, sent: new Set() };
    mounted.set(root, here);
  }
  here.brush.onPainted = (map) => {
    here.sent.add(map);
    setStateValue("map", map);
  };
  here.brush.digit = data.digit;
  if (data.map !== here.seen && !here.sent.has(data.map)) here.brush.map = data.map;
  here.seen = data.map;
}
