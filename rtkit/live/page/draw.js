// What views draw with, those of plug-ins, too: canvases in device pixels, rings of numbers, colours. docs/plugins.md says what stays.

/** Makes an element with properties, and puts children into it. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  const { dataset, attributes, ...rest } = properties;
  Object.assign(made, rest);
  Object.assign(made.dataset, dataset ?? {});
  for (const [name, value] of Object.entries(attributes ?? {})) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const TELL_INTERVAL_MS = 1000;
/** A canvas that a screen reader is told about; `tell` changes its description, at most once a second. */
export function canvas(kind, label) {
  const made = element("canvas", { className: kind, attributes: { role: "img", "aria-label": label } });
  let told = -Infinity;
  made.tell = (text) => {
    if (performance.now() - told < TELL_INTERVAL_MS) return;
    told = performance.now();
    made.setAttribute("aria-label", `${label}: ${text}`);
  };
  return made;
}

/** The context of a canvas whose pixels are those of the screen, cleared; width and height in CSS pixels. */
export function clear(surface) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = surface;
  if (surface.width !== Math.round(width * ratio) || surface.height !== Math.round(height * ratio)) {
    surface.width = Math.round(width * ratio);
    surface.height = Math.round(height * ratio);
  }
  const context = surface.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "12px system-ui, sans-serif";
  return { context, width, height };
}

let styles = null;
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { styles = null; });
const colours = new Map();
/** The value of a CSS variable, such as `--trace`. */
export function colour(name) {
  if (styles === null) { styles = getComputedStyle(document.documentElement); colours.clear(); }
  if (!colours.has(name)) colours.set(name, styles.getPropertyValue(name).trim());
  return colours.get(name);
}

/** The newest `size` numbers of several columns, each with its place (a count that never turns back). */
export class Ring {
  constructor(size, columns) {
    this.size = size;
    this.columns = columns;
    this.end = 0;
    this.data = new Float32Array(size * columns);
  }

  /** Appends rows (row by row in `rows`, from `offset` on). */
  push(rows, offset = 0, count = rows.length / this.columns) {
    for (let row = 0; row < count; row++, this.end++) {
      const at = (this.end % this.size) * this.columns;
      for (let column = 0; column < this.columns; column++) this.data[at + column] = rows[offset + row * this.columns + column];
    }
  }

  /** Goes on at a later place; what lies between is missing (NaN). */
  skip(place) {
    const missing = Math.min(place - this.end, this.size) * this.columns;
    this.end = place - missing / this.columns;
    this.push(new Float32Array(missing).fill(NaN));
  }

  get start() { return Math.max(0, this.end - this.size); }

  at(place, column = 0) { return this.data[(place % this.size) * this.columns + column]; }
}

/** The newest seconds of a signal on a fixed grid of time: what was skipped is missing (NaN), and of thinned samples each stands for those left out after it. */
export class Timeline {
  constructor(seconds, rate, columns) {
    this.rate = rate;
    this.ring = new Ring(Math.ceil(seconds * rate), columns);
  }

  /** Appends a part of kind `trace`. */
  push({ start, rate, shape: [rows, columns], values }) {
    const { ring } = this, stride = Math.max(1, Math.round(this.rate / rate)), first = Math.round(start * this.rate);
    if (first > ring.end) ring.skip(first);
    for (let place = ring.end; place < first + rows * stride; place++) ring.push(values, Math.floor((place - first) / stride) * columns, 1);
  }

  /** Stream time (s) of what comes next. */
  get now() { return this.ring.end / this.rate; }
}

const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const CALM_INTERVAL_MS = 1000; // between two pictures for those who want little motion
const waiting = new Set();
function all() {
  const now = [...waiting];
  waiting.clear();
  for (const each of now) {
    try { each(); } catch (error) { reportError(error); } // the others are drawn all the same
  }
}

/** Draws once a frame of the screen, for those that asked, while the page is seen. */
export function soon(draw) {
  if (waiting.size === 0) {
    if (calm.matches) setTimeout(requestAnimationFrame, CALM_INTERVAL_MS, all);
    else requestAnimationFrame(all);
  }
  waiting.add(draw);
}

/** A line through the numbers that `value(place)` gives, broken where they are missing, scaled from `low..high` to the height. */
export function line({ context, width, height }, start, end, value, low, high, stroke, thick = 1.5) {
  const scale = (height - 8) / (high - low || 1);
  let missing = true;
  context.beginPath();
  for (let place = start; place < end; place++) {
    const x = ((place - start) / Math.max(end - start - 1, 1)) * width;
    const y = height - 4 - (value(place) - low) * scale;
    if (missing) context.moveTo(x, y); else context.lineTo(x, y);
    missing = Number.isNaN(y);
  }
  context.strokeStyle = stroke;
  context.lineWidth = thick;
  context.stroke();
}

/** Least and greatest of the numbers that `values` give, some room around them. */
export function bounds(start, end, values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    for (let place = start; place < end; place++) {
      const found = value(place);
      if (found < low) low = found;
      if (found > high) high = found;
    }
  }
  if (!(low <= high)) return [-1, 1];
  const room = (high - low) * 0.05 || 1;
  return [low - room, high + room];
}

/** Text at a place, in the colour of lesser things. */
export function label(context, text, x, y, fill = "--soft") {
  context.fillStyle = colour(fill);
  context.fillText(text, x, y);
}

const STOPS = [[0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164]];
/** Colours of levels 0 to 255, dark to bright, equally far apart to the eye (after matplotlib's inferno). */
export const HEAT = Array.from({ length: 256 }, (_, level) => {
  const place = (level / 255) * (STOPS.length - 1), stop = Math.min(Math.floor(place), STOPS.length - 2), part = place - stop;
  return STOPS[stop].map((value, channel) => Math.round(value + part * (STOPS[stop + 1][channel] - value)));
});
