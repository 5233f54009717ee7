// The drawing pad on the page: pointer and keyboard become strokes of a Drawing, the strokes become pixels on a canvas.
// It knows the DOM of drawing_pad.html; it knows no Streamlit and nothing of what becomes of the digit.

import { Drawing, INK_SIZE, PEN_WIDTH, strokePath } from "./drawing.js";
import { SIDE } from "./digit_from_ink.js";

const STEPS = 4 * SIDE; // the keyboard's pen walks on a grid: four steps at a press of an arrow key, one with Shift
const SETTLED_AFTER = 120; // milliseconds without a change after which onSettled is told
const POSITION_AFTER = 400; // milliseconds a keyboard pen rests before its place is read out
const FULL = "No more ink fits. Undo or clear first.";
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Paints a digit (784 values in [0, 1], or null for none) on a 28x28 canvas, one pixel each. */
export function paintDigit(canvas, digit) {
  const pixels = new Uint8ClampedArray(4 * SIDE * SIDE).fill(255);
  for (let i = 0; i < SIDE * SIDE; i++) pixels.fill(Math.round(255 * (digit ? digit[i] : 0)), 4 * i, 4 * i + 3);
  canvas.getContext("2d").putImageData(new ImageData(pixels, SIDE, SIDE), 0, 0);
}

/** A pad over the elements inside `root` (see drawing_pad.html).
 *
 *  onChange(digit)   at most once a frame, whenever the digit may have changed, also in the middle of a stroke;
 *  onSettled(digit)  once, SETTLED_AFTER ms after a stroke, undo, redo or clear.
 *
 *  `digit` is a Float32Array of 784 multiples of 1/15 in [0, 1], or null for an empty pad. */
export class DrawingPad {
  drawing = new Drawing();
  #root;
  #canvas;
  #onChange;
  #onSettled;
  #pointer = null; // id of the pointer that draws
  #pen = { x: 0.5, y: 0.5, down: false }; // the keyboard's
  #held = new Set(); // arrow keys
  #frame = 0;
  #settling = 0;
  #placing = 0;
  #resized;

  constructor(root, { onChange = () => {}, onSettled = () => {} } = {}) {
    this.#root = root;
    this.#canvas = root.querySelector(".ink");
    this.#onChange = onChange;
    this.#onSettled = onSettled;
    const on = (type, listener) => this.#canvas.addEventListener(type, listener);
    on("pointerdown", (event) => this.#pointerDown(event));
    on("pointermove", (event) => this.#pointerMove(event));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) on(type, (event) => this.#pointerUp(event));
    on("keydown", (event) => this.#keyDown(event));
    on("keyup", (event) => this.#held.delete(event.key));
    on("focus", () => this.#showPen(this.#canvas.matches(":focus-visible:not(.by-pointer)")));
    on("blur", () => this.#leave());
    on("contextmenu", (event) => event.preventDefault());
    for (const action of ["undo", "redo", "clear"]) {
      root.querySelector(`.${action}`).addEventListener("click", () => this[action]());
    }
    this.#resized = new ResizeObserver(() => this.#resize());
    this.#resized.observe(this.#canvas);
    this.#resize();
  }

  /** Lets go of everything outside the elements. */
  destroy() {
    this.#resized.disconnect();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#settling);
    clearTimeout(this.#placing);
  }

  /** Shows another drawing (see Drawing.restore) and says `status` beneath it. Does not call onSettled. */
  show(content, status) {
    this.#pointer = null;
    this.#pen.down = false;
    clearTimeout(this.#settling);
    this.drawing.restore(content);
    if (status) this.#say(status);
    this.#changed();
  }

  undo() {
    this.#letGo();
    if (!this.drawing.undo()) return this.#say("Nothing to undo.");
    this.#stepped(`Undone. ${this.#contents()}`);
  }

  redo() {
    this.#letGo();
    if (!this.drawing.redo()) return this.#say("Nothing to redo.");
    this.#stepped(`Redone. ${this.#contents()}`);
  }

  clear() {
    this.#letGo();
    if (!this.drawing.clear()) return this.#say("The pad is empty.");
    this.#stepped("Cleared. Undo brings it back.");
  }

  #contents() {
    if (this.drawing.picture) return "The digit from the link is back.";
    const count = this.drawing.strokes.length;
    return count === 0 ? "The pad is empty." : count === 1 ? "1 stroke." : `${count} strokes.`;
  }

  #say(text) {
    this.#root.querySelector(".status").textContent = text;
  }

  // Pointers: mouse, pen and touch alike. One draws at a time; a second finger or a palm beside the pen is ignored.

  #pointerDown(event) {
    if (this.#pointer !== null || event.button !== 0) return;
    event.preventDefault(); // no text selection, no drag of the canvas
    this.#canvas.classList.add("by-pointer"); // no focus ring, until a key is pressed
    this.#canvas.focus({ preventScroll: true });
    this.#showPen(false);
    this.#letGo();
    if (!this.drawing.begin(...this.#place(event))) return this.#say(FULL);
    this.#pointer = event.pointerId;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#changed();
  }

  #pointerMove(event) {
    if (event.pointerId !== this.#pointer) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const move of moves.length ? moves : [event]) this.drawing.extend(...this.#place(move));
    this.#changed();
  }

  #pointerUp(event) {
    if (event.pointerId !== this.#pointer) return;
    if (event.type === "pointerup") this.drawing.extend(...this.#place(event));
    this.#letGo();
  }

  /** Ends the stroke in hand, whoever draws it. */
  #letGo() {
    this.#pointer = null;
    this.#pen.down = false;
    if (this.drawing.end()) this.#stepped(this.#contents());
  }

  #place(event) {
    const box = this.#canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    Object.assign(this.#pen, { x: Math.min(1, Math.max(0, x)), y: Math.min(1, Math.max(0, y)) });
    return [x, y, event.pointerType === "pen" && event.pressure > 0 ? 0.6 + 0.8 * event.pressure : 1];
  }

  // Keyboard.

  #keyDown(event) {
    this.#canvas.classList.remove("by-pointer");
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (command && key === "z") event.shiftKey ? this.redo() : this.undo();
    else if (command && key === "y") this.redo();
    else if (command || event.altKey) return;
    else if (key === "Delete" || key === "Backspace") this.clear();
    else if (key === " " && !event.repeat) this.#pen.down ? this.#penUp() : this.#penDown();
    else if (key === "Escape" && this.#pen.down) this.#penUp();
    else if (key in ARROWS) this.#penMove(key, event.shiftKey ? 1 : 4);
    else if (key !== " ") return;
    event.preventDefault(); // neither scroll the page nor leave it
    event.stopPropagation(); // nor set off Streamlit's own shortcuts
  }

  #penDown() {
    if (this.#pointer !== null) return;
    if (!this.drawing.begin(this.#pen.x, this.#pen.y)) return this.#say(FULL);
    this.#pen.down = true;
    this.#say("Pen down. The arrow keys draw.");
    this.#showPen(true);
    this.#changed();
  }

  #penUp() {
    this.#letGo();
    this.#say(`Pen up. ${this.#contents()}`);
    this.#showPen(true);
  }

  /** Two arrows held together move diagonally. */
  #penMove(key, steps) {
    if (this.#pointer !== null) return;
    this.#held.add(key);
    const pen = this.#pen;
    for (const arrow of this.#held) {
      const walked = (part, way) => Math.min(STEPS, Math.max(0, Math.round(part * STEPS) + steps * way)) / STEPS;
      pen.x = walked(pen.x, ARROWS[arrow][0]);
      pen.y = walked(pen.y, ARROWS[arrow][1]);
    }
    if (pen.down && this.drawing.extend(pen.x, pen.y)) this.#changed();
    this.#showPen(true);
    clearTimeout(this.#placing);
    this.#placing = setTimeout(() => {
      const [row, column] = [pen.y, pen.x].map((part) => Math.min(SIDE, 1 + Math.floor(part * SIDE)));
      this.#say(`Pen ${pen.down ? "down" : "up"} at row ${row}, column ${column} of ${SIDE}.`);
    }, POSITION_AFTER);
  }

  #showPen(visible) {
    const ring = this.#root.querySelector(".pen");
    ring.hidden = !visible;
    ring.classList.toggle("down", this.#pen.down);
    const percent = (part) => `${(100 * part).toFixed(2)}%`;
    Object.assign(ring.style, { left: percent(this.#pen.x), top: percent(this.#pen.y) });
    Object.assign(ring.style, { width: percent(PEN_WIDTH), height: percent(PEN_WIDTH) });
  }

  #leave() {
    this.#canvas.classList.remove("by-pointer");
    this.#held.clear();
    clearTimeout(this.#placing);
    if (this.#pen.down) this.#letGo();
    this.#showPen(false);
  }

  // Showing and telling.

  #stepped(status) {
    clearTimeout(this.#placing);
    this.#say(status);
    this.#showPen(!this.#root.querySelector(".pen").hidden);
    this.#changed();
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      if (!this.drawing.isDrawing) this.#onSettled(this.drawing.digit()); // else the end of that stroke tells
    }, SETTLED_AFTER);
  }

  #changed() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
      this.#onChange(this.drawing.digit());
    });
  }

  #resize() {
    const side = Math.max(1, Math.round(this.#canvas.clientWidth * (window.devicePixelRatio || 1)));
    if (this.#canvas.width !== side) Object.assign(this.#canvas, { width: side, height: side });
    this.#changed();
  }

  #paint() {
    const { drawing } = this;
    const context = this.#canvas.getContext("2d");
    const side = this.#canvas.width;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, side, side);
    if (drawing.picture) {
      const picture = new OffscreenCanvas(SIDE, SIDE);
      paintDigit(picture, drawing.picture);
      context.imageSmoothingEnabled = false;
      context.globalAlpha = 0.6;
      context.drawImage(picture, 0, 0, side, side);
      context.globalAlpha = 1;
    }
    context.scale(side, side);
    Object.assign(context, { strokeStyle: "#fff", fillStyle: "#fff", lineCap: "round", lineJoin: "round" });
    for (const stroke of drawing.strokes) paintStroke(context, strokePath(stroke));
    this.#root.querySelector(".invitation").hidden = !drawing.isEmpty;
    const usable = { undo: drawing.canUndo, redo: drawing.canRedo, clear: !drawing.isEmpty };
    for (const [action, can] of Object.entries(usable)) {
      this.#root.querySelector(`.${action}`).setAttribute("aria-disabled", String(!can));
    }
  }
}

function paintStroke(context, path) {
  if (path.length === 1) {
    context.beginPath();
    context.arc(path[0][0], path[0][1], path[0][2], 0, 2 * Math.PI);
    context.fill();
    return;
  }
  // One path as long as the width stays the same; a pen's pressure breaks it up.
  for (let from = 0; from < path.length - 1; ) {
    let to = from + 1;
    while (to < path.length - 1 && Math.abs(path[to + 1][2] - path[from + 1][2]) < 1e-4) to++;
    context.beginPath();
    context.moveTo(path[from][0], path[from][1]);
    for (let i = from + 1; i <= to; i++) context.lineTo(path[i][0], path[i][1]);
    context.lineWidth = 2 * path[from + 1][2];
    context.stroke();
    from = to;
  }
}
