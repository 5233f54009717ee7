// All movies as points on a canvas. Points arrive once; marks come as events (movie_marks.js), so that a new query costs
// a drawing and no transfer. It knows Streamlit only in the last function.

const SIDE = 65535;
const REACH = 14; // pixels from the pointer within which a point is meant
const CLOSEST = 60; // times the whole map
const LABELS = 26; // titles written at once, the most rated first

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

class MovieMap {
  constructor(root, onPick) {
    this.root = root;
    this.onPick = onPick;
    this.canvas = root.querySelector("canvas");
    this.tip = root.querySelector(".tip");
    this.status = root.querySelector(".status");
    this.view = { x: 0.5, y: 0.5, zoom: 1 };
    this.marks = { query: null, marked: [] };
    this.shown = new Set(); // colours shown alone; empty: all
    this.hovered = null;
    this.pointed = null; // from a list beside the map
    this.pointers = new Map();
    this.drawn = 0;
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(this.canvas);
    this.listen();
  }

  load(data) {
    const places = new Uint16Array(bytes(data.places).buffer);
    this.count = places.length / 2;
    this.x = new Float32Array(this.count);
    this.y = new Float32Array(this.count);
    for (let i = 0; i < this.count; i++) {
      this.x[i] = places[2 * i] / SIDE;
      this.y[i] = 1 - places[2 * i + 1] / SIDE;
    }
    this.colour = bytes(data.colours);
    this.size = bytes(data.sizes);
    const order = bytes(data.order);
    this.order = this.count <= SIDE ? new Uint16Array(order.buffer) : new Uint32Array(order.buffer);
    this.titles = data.titles.split("\n");
    this.legend = data.legend;
    this.canvas.setAttribute("aria-label", data.label);
    this.buildLegend();
    this.draw();
  }

  buildLegend() {
    const legend = this.root.querySelector(".legend");
    legend.replaceChildren(
      ...this.legend.map((entry, place) => {
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("aria-pressed", "false");
        button.append(document.createElement("i"), entry.title);
        button.onclick = () => {
          this.shown.has(place) ? this.shown.delete(place) : this.shown.add(place);
          button.setAttribute("aria-pressed", String(this.shown.has(place)));
          this.draw();
        };
        return button;
      }),
    );
  }

  // ---- from the plane to the screen and back -------------------------------------------------------------------

  across(x) {
    return this.width / 2 + (x - this.view.x) * this.scaleX;
  }
  down(y) {
    return this.height / 2 + (y - this.view.y) * this.scaleY;
  }
  measure() {
    this.scaleX = this.width * 0.96 * this.view.zoom;
    this.scaleY = this.height * 0.96 * this.view.zoom;
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    if (!clientWidth) return;
    const dots = window.devicePixelRatio || 1;
    Object.assign(this, { width: clientWidth, height: clientHeight, dots });
    Object.assign(this.canvas, { width: Math.round(clientWidth * dots), height: Math.round(clientHeight * dots) });
    this.paint();
  }

  draw() {
    if (!this.drawn) this.drawn = requestAnimationFrame(() => this.paint());
  }

  // ---- drawing ---------------------------------------------------------------------------------------------------

  paint() {
    cancelAnimationFrame(this.drawn);
    this.drawn = 0;
    if (!this.width || !this.count) return;
    this.measure();
    const context = this.canvas.getContext("2d");
    context.setTransform(this.dots, 0, 0, this.dots, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    const style = getComputedStyle(this.root);
    const ink = style.color;
    const ground = style.getPropertyValue("--st-background-color").trim() || "#fff";
    const dark = luminance(ground) < 0.4;
    const colours = this.legend.map((entry) => (dark ? entry.dark : entry.light));
    this.root.querySelectorAll(".legend i").forEach((dot, i) => dot.style.setProperty("--colour", colours[i]));
    const grown = Math.sqrt(this.view.zoom);
    const fades = (i) => this.shown.size > 0 && !this.shown.has(this.colour[i]);
    const radius = (i) => clamp((0.85 + (this.size[i] / 255) ** 2 * 2.9) * Math.min(grown, 2.4), 0.85, 9);

    // The least rated first, so that the well known lie on top; faint ones below all others.
    for (const faint of [true, false]) {
      context.globalAlpha = faint ? 0.1 : 0.78;
      for (let o = this.count - 1; o >= 0; o--) {
        const i = this.order[o];
        if (fades(i) !== faint) continue;
        const px = this.across(this.x[i]);
        const py = this.down(this.y[i]);
        if (px < -9 || py < -9 || px > this.width + 9 || py > this.height + 9) continue;
        const r = radius(i);
        context.fillStyle = colours[this.colour[i]];
        if (r < 1.6) context.fillRect(px - r, py - r, 2 * r, 2 * r);
        else {
          context.beginPath();
          context.arc(px, py, r, 0, 2 * Math.PI);
          context.fill();
        }
      }
    }
    context.globalAlpha = 1;

    const { query, marked } = this.marks;
    const boxes = [];
    const zoom = this.root.querySelector(".zoom");
    if (query !== null) {
      context.strokeStyle = ink;
      context.globalAlpha = 0.35;
      context.lineWidth = 1;
      context.beginPath();
      for (const i of marked) {
        context.moveTo(this.across(this.x[query]), this.down(this.y[query]));
        context.lineTo(this.across(this.x[i]), this.down(this.y[i]));
      }
      context.stroke();
      context.globalAlpha = 1;
    }
    for (const i of marked) this.spot(context, i, Math.max(4.5, radius(i)), colours[this.colour[i]], ink, 1.75);
    if (query !== null) {
      this.spot(context, query, Math.max(7, radius(query)), colours[this.colour[query]], ink, 2);
      this.spot(context, query, Math.max(7, radius(query)) + 4, null, ink, 2);
    }
    const lit = this.hovered ?? this.pointed;
    if (lit !== null) this.spot(context, lit, Math.max(6, radius(lit)) + 2, colours[this.colour[lit]], ink, 2.5);

    const label = (i, weight, strength) => {
      context.font = `${weight} 12.5px ${style.fontFamily}`;
      const text = short(this.titles[i].replace(/ \(\d{4}\)$/, ""));
      const wide = context.measureText(text).width;
      const px = this.across(this.x[i]);
      const py = this.down(this.y[i]);
      const gap = i === query ? 15 : 9;
      for (const [left, top] of [[px + gap, py + 4], [px - gap - wide, py + 4], [px - wide / 2, py - gap - 2], [px - wide / 2, py + gap + 12]]) {
        const box = [left - 2, top - 12, left + wide + 2, top + 4];
        const inside = box[0] > 2 && box[2] < this.width - 2 && box[1] > 2 && box[3] < this.height - 2;
        const zoomButtons = box[2] > zoom.offsetLeft && box[1] < zoom.offsetTop + zoom.offsetHeight;
        if (!inside || zoomButtons || boxes.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue;
        boxes.push(box);
        context.globalAlpha = strength;
        context.lineWidth = 3.5;
        context.lineJoin = "round";
        context.strokeStyle = ground;
        context.strokeText(text, left, top);
        context.fillStyle = ink;
        context.fillText(text, left, top);
        context.globalAlpha = 1;
        return true;
      }
      return false;
    };
    if (query !== null) label(query, 700, 1);
    for (const i of marked) label(i, 600, 1);
    const most = this.width < 520 ? 8 : LABELS;
    for (let o = 0, written = 0; o < this.count && written < most; o++) {
      const i = this.order[o];
      if (i === query || marked.includes(i) || fades(i)) continue;
      const px = this.across(this.x[i]);
      const py = this.down(this.y[i]);
      if (px < 0 || py < 0 || px > this.width || py > this.height) continue;
      if (o > 400 * this.view.zoom ** 2) break;
      if (label(i, 400, 0.78)) written++;
    }
    this.showTip();
  }

  spot(context, i, radius, fill, ink, line) {
    context.beginPath();
    context.arc(this.across(this.x[i]), this.down(this.y[i]), radius, 0, 2 * Math.PI);
    if (fill) {
      context.fillStyle = fill;
      context.fill();
    }
    context.strokeStyle = ink;
    context.lineWidth = line;
    context.stroke();
  }

  showTip() {
    const i = this.hovered ?? this.pointed;
    this.tip.hidden = i === null;
    if (i === null) return;
    const name = document.createElement("b");
    name.textContent = this.titles[i];
    const about = document.createElement("span");
    about.textContent = this.legend[this.colour[i]].title;
    this.tip.replaceChildren(name, about);
    const px = clamp(this.across(this.x[i]), 0, this.width);
    const py = clamp(this.down(this.y[i]), 0, this.height);
    const { offsetWidth, offsetHeight } = this.tip;
    const left = clamp(px - offsetWidth / 2, 6, this.width - offsetWidth - 6);
    const top = py - offsetHeight - 14 > 4 ? py - offsetHeight - 14 : Math.min(py + 16, this.height - offsetHeight - 4);
    this.tip.style.transform = `translate(${left}px, ${top}px)`;
  }

  // ---- what the visitor does -------------------------------------------------------------------------------------

  /** The point that is meant by a place on the screen, or null. */
  at(px, py) {
    let best = null;
    let least = REACH * REACH;
    for (let i = 0; i < this.count; i++) {
      if (this.shown.size && !this.shown.has(this.colour[i]) && i !== this.marks.query && !this.marks.marked.includes(i)) continue;
      const dx = this.across(this.x[i]) - px;
      const dy = this.down(this.y[i]) - py;
      const marked = i === this.marks.query || this.marks.marked.includes(i);
      const far = (dx * dx + dy * dy) * (marked ? 0.25 : 1); // marked ones are drawn larger
      if (far < least) {
        least = far;
        best = i;
      }
    }
    return best;
  }

  hover(i) {
    if (i === this.hovered) return;
    this.hovered = i;
    this.canvas.classList.toggle("pointing", i !== null);
    this.draw();
  }

  zoom(times, px = this.width / 2, py = this.height / 2) {
    const before = this.view.zoom;
    this.view.zoom = clamp(before * times, 1, CLOSEST);
    const kept = 1 / before - 1 / this.view.zoom;
    this.view.x += ((px - this.width / 2) / (this.width * 0.96)) * kept;
    this.view.y += ((py - this.height / 2) / (this.height * 0.96)) * kept;
    this.settle();
  }

  move(dx, dy) {
    this.view.x -= dx / this.scaleX;
    this.view.y -= dy / this.scaleY;
    this.settle();
  }

  settle() {
    const room = 0.5 / this.view.zoom;
    this.view.x = clamp(this.view.x, Math.min(0.5, room), Math.max(0.5, 1 - room));
    this.view.y = clamp(this.view.y, Math.min(0.5, room), Math.max(0.5, 1 - room));
    this.draw();
  }

  /** Show the query and its neighbours as large as they fit; those far away from most others do not count. */
  approach() {
    const { query, marked } = this.marks;
    if (query === null) return;
    const far = (i) => Math.max(Math.abs(this.x[i] - this.x[query]), Math.abs(this.y[i] - this.y[query]));
    const reach = marked.map(far).sort((a, b) => a - b);
    const wide = reach.length ? reach[Math.floor(0.7 * (reach.length - 1))] : 0.05;
    this.view = { x: this.x[query], y: this.y[query], zoom: clamp(0.42 / Math.max(wide, 0.01), 1, 24) };
    this.settle();
  }

  mark(marks) {
    const other = marks.query !== this.marks.query;
    this.marks = marks;
    this.hovered = null;
    if (other && this.view.zoom > 1 && marks.query !== null && this.count) this.approach();
    this.draw();
  }

  listen() {
    const { canvas } = this;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.onpointerdown = (event) => {
      this.pointers.set(event.pointerId, place(event));
      if (event.pointerType === "mouse") canvas.setPointerCapture(event.pointerId);
      if (this.pointers.size === 1) this.pressed = { at: place(event), moved: false, over: this.hovered };
      else if (this.pressed) this.pressed.moved = true;
    };
    canvas.onpointermove = (event) => {
      const now = place(event);
      const before = this.pointers.get(event.pointerId);
      if (!before) {
        if (event.pointerType === "mouse") this.hover(this.at(...now));
        return;
      }
      if (this.pointers.size === 2) {
        const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
        const apart = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]);
        this.zoom(apart(now) / Math.max(apart(before), 1), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
      } else if (event.pointerType === "mouse" && this.pressed) {
        if (Math.hypot(now[0] - this.pressed.at[0], now[1] - this.pressed.at[1]) > 4) this.pressed.moved = true;
        if (this.pressed.moved) {
          canvas.classList.add("dragging");
          this.hovered = null;
          this.move(now[0] - before[0], now[1] - before[1]);
        }
      }
      this.pointers.set(event.pointerId, now);
    };
    canvas.onpointerup = (event) => {
      this.pointers.delete(event.pointerId);
      canvas.classList.remove("dragging");
      const { pressed } = this;
      if (this.pointers.size || !pressed || pressed.moved) return;
      this.pressed = null;
      const meant = this.at(...place(event));
      if (meant === null) return this.hover(null);
      // A finger has no way to hover: the first tap shows what is there, the second one picks it.
      if (event.pointerType !== "mouse" && meant !== pressed.over) return this.hover(meant);
      this.pick(meant);
    };
    canvas.onpointercancel = (event) => {
      this.pointers.delete(event.pointerId);
      this.pressed = null;
    };
    canvas.onpointerleave = (event) => {
      if (event.pointerType === "mouse" && !this.pointers.size) this.hover(null); // a lifted finger leaves too
    };
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
        event.preventDefault();
        this.zoom(Math.exp(-event.deltaY * 0.006), ...place(event));
      },
      { passive: false },
    );
    canvas.onkeydown = (event) => {
      const all = this.marks.query === null ? this.marks.marked : [this.marks.query, ...this.marks.marked];
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step && all.length) {
        const next = all[(all.indexOf(this.hovered) + step + all.length + (this.hovered === null && step < 0 ? 1 : 0)) % all.length];
        this.hover(next);
        this.status.textContent = this.titles[next];
      } else if (event.key === "Enter" && this.hovered !== null) this.pick(this.hovered);
      else if (event.key === "+" || event.key === "=") this.zoom(1.6);
      else if (event.key === "-") this.zoom(1 / 1.6);
      else if (event.key === "Escape") this.hover(null);
      else return;
      event.preventDefault();
    };
    const button = (name, action) => (this.root.querySelector(`.${name}`).onclick = action);
    button("in", () => this.zoom(1.8));
    button("out", () => this.zoom(1 / 1.8));
    button("near", () => this.approach());
    button("all", () => {
      this.view = { x: 0.5, y: 0.5, zoom: 1 };
      this.draw();
    });
    this.onMarks = (event) => this.mark(event.detail);
    this.onPointed = (event) => {
      this.pointed = event.detail;
      this.draw();
    };
    window.addEventListener("aecore-movie-marks", this.onMarks);
    window.addEventListener("aecore-movie-pointed", this.onPointed);
    window.dispatchEvent(new CustomEvent("aecore-movie-map-asks"));
  }

  pick(i) {
    if (i !== this.marks.query) this.onPick(i);
  }

  destroy() {
    this.watcher.disconnect();
    window.removeEventListener("aecore-movie-marks", this.onMarks);
    window.removeEventListener("aecore-movie-pointed", this.onPointed);
  }
}

const short = (text) => (text.length > 30 ? `${text.slice(0, 28).trimEnd()}…` : text);

function luminance(colour) {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = colour;
  const hex = probe.fillStyle;
  if (!hex.startsWith("#")) return 1;
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const mounted = new WeakMap(); // the component's root -> { map, places }

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".map");
  let here = mounted.get(root);
  if (!here) {
    here = { map: new MovieMap(root, (index) => here.send(index)), places: null };
    mounted.set(root, here);
  }
  here.send = (index) => setTriggerValue("pick", index);
  if (here.places !== data.places) {
    here.places = data.places;
    here.map.load(data);
  } else here.map.draw(); // another theme, perhaps
  // Streamlit also runs this clean-up for a call that a newer one overtook: then the map is still on the page.
  return () => {
    if (!root.isConnected) here.map.destroy();
  };
}
