// Slow signals of no known kind: the samples before and after.

import { Ring, bounds, canvas, clear, colour, element, label, line, soon } from "/static/draw.js";

const SECONDS = 10, LEAST = 600, MOST = 4000; // of a chart; points of one that is longer, or shorter, for their sake

/** The arrays of a packet that are samples, by side: `{in: {part, values}, out: …}`. */
export function traces(header, packet) {
  const found = {};
  for (const part of header.parts) {
    const values = packet.take(part.dtype, part.shape.reduce((product, size) => product * size, 1));
    if (part.what === "trace") found[part.side] = { part, values };
  }
  return found;
}

/** The newest seconds of a signal on a fixed grid of time: what was skipped is missing (NaN), and of thinned samples each stands for those left out after it. */
export class Timeline {
  constructor(seconds, rate, columns) {
    this.rate = rate;
    this.ring = new Ring(Math.ceil(seconds * rate), columns);
  }

  push({ start, rate, shape: [rows, columns] }, values) {
    const { ring } = this, stride = Math.max(1, Math.round(this.rate / rate)), first = Math.round(start * this.rate);
    if (first > ring.end) ring.skip(first);
    for (let place = ring.end; place < first + rows * stride; place++) ring.push(values, Math.floor((place - first) / stride) * columns, 1);
  }

  /** Stream time (s) of what comes next. */
  get now() { return this.ring.end / this.rate; }
}

export class TracesView {
  constructor() {
    this.charts = {};
    this.element = element("div");
  }

  samples(header, packet) {
    for (const [side, { part, values }] of Object.entries(traces(header, packet))) {
      this.charts[side] ??= this.#chart(side, part, header.rate);
      this.charts[side].timeline.push(part, values);
    }
    soon(this.draw);
  }

  #chart(side, part, rate) {
    const words = side === "in" ? "before" : "after", seconds = Math.max(LEAST / rate, Math.min(SECONDS, MOST / rate));
    const surface = canvas("plot", `signal ${words}`);
    const text = `${words}: ${part.channels.join(", ")} (the last ${Number(seconds.toPrecision(2))} s)`;
    this.element.append(element("figure", {}, element("figcaption", { textContent: text }), surface));
    return { timeline: new Timeline(seconds, rate, part.channels.length), surface, side };
  }

  event() {}

  draw = () => {
    for (const { timeline: { ring }, surface, side } of Object.values(this.charts)) {
      const seen = clear(surface), columns = Array.from({ length: ring.columns }, (_, column) => (place) => ring.at(place, column));
      const [low, high] = bounds(ring.start, ring.end, columns);
      const strokes = [side === "in" ? "--before" : "--after", "--third", "--soft"];
      columns.forEach((value, column) => line(seen, ring.start, ring.end, value, low, high, colour(strokes[column % 3])));
      label(seen.context, high.toPrecision(3), 4, 14);
      label(seen.context, low.toPrecision(3), 4, seen.height - 6);
      surface.tell(`from ${low.toPrecision(3)} to ${high.toPrecision(3)}`);
    }
  };
}
