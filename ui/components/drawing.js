// A drawing: strokes with undo and redo, and the ink they leave on a square grid. Pure computing: it knows no DOM and no
// Streamlit, so it runs under node, in a worker, and beside a network in the browser.
//
// A stroke is a flat list of whole numbers x, y, width, x, y, width, ...: x and y in thousandths of the pad's side
// (0, 0 is the top left corner; a little outside is allowed and clipped), width in hundredths of the usual pen width.
// Whole numbers, so that a drawing sent away as JSON and restored leaves exactly the same ink.
//
// The ink is computed here and not read back from a canvas: browsers that guard against fingerprinting answer
// getImageData with noise, and canvases of different makes differ in their edges.

import { digitFromInk, digitToGreys, greysToDigit } from "./digit_from_ink.js";

export const INK_SIZE = 224; // side of the ink grid: 8 cells for one pixel of the digit
export const PEN_WIDTH = 0.085; // as a part of the side: about 2.5 of 28 pixels once the digit is scaled, as in MNIST
const UNITS = 1000; // thousandths of the side
const OUTSIDE = 250; // how far outside, in thousandths, a stroke may run
const CLOSEST = 4; // thousandths: nearer points add nothing one can see
const MOST_POINTS = 18000; // of all strokes together (a digit has some 200); Python takes no more
const MOST_STATES = 200; // steps one can undo

/** The pieces of a stroke as [x, y, radius] in parts of the side: quadratic curves through the midpoints of its points,
 *  flattened. Returns a list of polylines' points; one point alone is a dot. `from` skips the points before that index
 *  (the curve is the same, only its beginning is left out), which lets a growing stroke be inked piece by piece. */
export function strokePath(stroke, from = 0, to = stroke.length / 3, withTail = true) {
  const at = (i) => [stroke[3 * i] / UNITS, stroke[3 * i + 1] / UNITS, (stroke[3 * i + 2] / 100) * (PEN_WIDTH / 2)];
  const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2];
  if (to === 1) return from < 1 ? [at(0)] : [];
  const path = [];
  // Piece 0 is the line from point 0 to the first midpoint; piece i bends around point i from one midpoint to the next.
  for (let i = from; i < to - 1; i++) {
    const here = at(i);
    const end = middle(here, at(i + 1));
    if (i === 0) {
      path.push(here, end);
      continue;
    }
    const start = middle(at(i - 1), here);
    if (path.length === 0) path.push(start);
    const length = Math.hypot(end[0] - start[0], end[1] - start[1]);
    const steps = Math.min(12, Math.max(2, Math.ceil(length / 0.012)));
    for (let s = 1; s <= steps; s++) {
      const t = s / steps;
      const u = 1 - t;
      path.push([0, 1, 2].map((k) => u * u * start[k] + 2 * u * t * here[k] + t * t * end[k]));
    }
  }
  if (withTail) {
    if (path.length === 0) path.push(middle(at(to - 2), at(to - 1)));
    path.push(at(to - 1));
  }
  return path;
}

/** Inks a path (see strokePath) into `ink`, a size x size grid of values in [0, 1]: each cell takes the largest cover of
 *  the round pen, with an edge one cell soft. Changes `ink`. */
export function inkPath(ink, size, path) {
  for (let i = 0; i < Math.max(1, path.length - 1); i++) {
    if (path.length === 0) return;
    const a = path[i];
    const b = path[Math.min(i + 1, path.length - 1)];
    const [ax, ay, ar] = [a[0] * size, a[1] * size, a[2] * size];
    const [dx, dy, dr] = [b[0] * size - ax, b[1] * size - ay, b[2] * size - ar];
    const squared = dx * dx + dy * dy;
    const reach = Math.max(ar, ar + dr) + 1;
    const left = Math.max(0, Math.floor(Math.min(ax, ax + dx) - reach));
    const right = Math.min(size - 1, Math.ceil(Math.max(ax, ax + dx) + reach));
    const top = Math.max(0, Math.floor(Math.min(ay, ay + dy) - reach));
    const bottom = Math.min(size - 1, Math.ceil(Math.max(ay, ay + dy) + reach));
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const [px, py] = [x + 0.5 - ax, y + 0.5 - ay];
        const along = squared > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / squared)) : 0;
        const distance = Math.hypot(px - along * dx, py - along * dy);
        const cover = Math.min(1, Math.max(0, ar + along * dr - distance + 0.5));
        if (cover > ink[y * size + x]) ink[y * size + x] = cover;
      }
    }
  }
}

const blankInk = () => new Float32Array(INK_SIZE * INK_SIZE);

/** What is on the pad now, and what was before. A state is { strokes, picture }: `picture` is a ready 28x28 digit
 *  (Float32Array of 784), shown until the first stroke, which starts afresh; undo brings the picture back. */
export class Drawing {
  #past = [];
  #future = [];
  #now = { strokes: [], picture: null };
  #open = null; // the stroke being drawn
  #settled = { strokes: [], ink: blankInk() }; // finished strokes, inked once
  #growing = { stroke: null, pieces: 0, ink: blankInk() }; // those and the settled pieces of the open stroke

  get strokes() {
    return this.#open ? [...this.#now.strokes, this.#open] : this.#now.strokes;
  }

  get picture() {
    return this.#open ? null : this.#now.picture;
  }

  get isEmpty() {
    return this.strokes.length === 0 && this.picture === null;
  }

  get isDrawing() {
    return this.#open !== null;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** Whether no more ink fits. */
  get isFull() {
    return this.strokes.reduce((sum, stroke) => sum + stroke.length, 0) >= 3 * MOST_POINTS;
  }

  /** Puts the pen down, unless the drawing is full. x and y are parts of the side, pressure is 1 for the usual width. */
  begin(x, y, pressure = 1) {
    this.end();
    if (this.isFull) return false;
    this.#open = [];
    return this.#add(x, y, pressure);
  }

  /** Moves the pen. Returns whether that left ink: a move too small to see does not, nor one on a full drawing. */
  extend(x, y, pressure = 1) {
    if (!this.#open || this.isFull) return false;
    const n = this.#open.length;
    const near = Math.hypot(x * UNITS - this.#open[n - 3], y * UNITS - this.#open[n - 2]) < CLOSEST;
    return near ? false : this.#add(x, y, pressure);
  }

  #add(x, y, pressure) {
    const inside = (value) => Math.round(UNITS * Math.min(1 + OUTSIDE / UNITS, Math.max(-OUTSIDE / UNITS, value)));
    this.#open.push(inside(x), inside(y), Math.round(100 * Math.min(2, Math.max(0.3, pressure))));
    return true;
  }

  /** Lifts the pen. Returns whether a stroke was added. */
  end() {
    if (!this.#open) return false;
    const strokes = [...this.#now.strokes, this.#open];
    this.#open = null;
    this.#step({ strokes, picture: null });
    return true;
  }

  #step(state) {
    this.#past.push(this.#now);
    if (this.#past.length > MOST_STATES) this.#past.shift();
    this.#future = [];
    this.#now = state;
  }

  /** Takes everything off the pad; undo brings it back. Returns whether there was anything. */
  clear() {
    this.end();
    if (this.isEmpty) return false;
    this.#step({ strokes: [], picture: null });
    return true;
  }

  undo() {
    this.end();
    if (!this.canUndo) return false;
    this.#future.push(this.#now);
    this.#now = this.#past.pop();
    return true;
  }

  redo() {
    this.end();
    if (!this.canRedo) return false;
    this.#past.push(this.#now);
    this.#now = this.#future.pop();
    return true;
  }

  /** Starts over: with a picture, with strokes, or with strokes drawn over a picture that undo brings back. */
  restore({ strokes = [], picture = null, pictureShown = strokes.length === 0 }) {
    const states = [{ strokes: [], picture }];
    if (!pictureShown) {
      if (picture && strokes.length === 0) states.push({ strokes: [], picture: null }); // it had been cleared away
      strokes.forEach((_, i) => states.push({ strokes: strokes.slice(0, i + 1), picture: null }));
    }
    this.#open = null;
    this.#future = [];
    this.#now = states.pop();
    this.#past = states.slice(-MOST_STATES);
  }

  /** The ink of all strokes: INK_SIZE x INK_SIZE values in [0, 1], 1 = ink, row by row. A fresh array. */
  ink() {
    const finished = this.#finishedInk();
    const open = this.#open;
    if (!open) return finished.slice();
    if (this.#growing.stroke !== open) this.#growing = { stroke: open, pieces: 0, ink: finished.slice() };
    const points = open.length / 3;
    if (points > 1) inkPath(this.#growing.ink, INK_SIZE, strokePath(open, this.#growing.pieces, points, false));
    this.#growing.pieces = points - 1;
    const ink = this.#growing.ink.slice();
    inkPath(ink, INK_SIZE, strokePath(open, points - 1)); // the tail moves with the next point
    return ink;
  }

  #finishedInk() {
    const strokes = this.#now.strokes;
    const known = this.#settled.strokes;
    const goesOn = known.length <= strokes.length && known.every((stroke, i) => stroke === strokes[i]);
    if (!goesOn) this.#settled = { strokes: [], ink: blankInk() };
    for (const stroke of strokes.slice(this.#settled.strokes.length)) {
      inkPath(this.#settled.ink, INK_SIZE, strokePath(stroke));
    }
    this.#settled.strokes = strokes;
    return this.#settled.ink;
  }

  /** The 28x28 digit this drawing is: Float32Array of 784 multiples of 1/15, or null for an empty pad. */
  digit() {
    if (this.picture) return this.picture;
    if (this.isEmpty) return null;
    const digit = greysToDigit(digitToGreys(digitFromInk(this.ink(), INK_SIZE, INK_SIZE)));
    return digit.some((value) => value > 0) ? digit : null;
  }
}
