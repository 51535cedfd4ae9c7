// Slow signals of no known kind: the samples before and after.

import { Ring, bounds, canvas, clear, colour, element, label, line, soon } from "/static/draw.js";

const POINTS = 2000;

/** The arrays of a packet that are samples, by side: `{in: {part, values}, out: …}`. */
export function traces(header, packet) {
  const found = {};
  for (const part of header.parts) {
    const values = packet.take(part.dtype, part.shape.reduce((product, size) => product * size, 1));
    if (part.what === "trace") found[part.side] = { part, values };
  }
  return found;
}

export class TracesView {
  constructor() {
    this.rings = {};
    this.element = element("div");
  }

  samples(header, packet) {
    for (const [side, { part, values }] of Object.entries(traces(header, packet))) {
      if (!this.rings[side]) {
        const words = side === "in" ? "before" : "after";
        const surface = canvas("plot", `signal ${words}`);
        this.rings[side] = { ring: new Ring(POINTS, part.channels.length), surface, side };
        this.element.append(element("figure", {}, element("figcaption", { textContent: `${words}: ${part.channels.join(", ")}` }), surface));
      }
      this.rings[side].ring.push(values);
    }
    soon(this.draw);
  }

  event() {}

  draw = () => {
    for (const { ring, surface, side } of Object.values(this.rings)) {
      const seen = clear(surface), columns = Array.from({ length: ring.columns }, (_, column) => (place) => ring.at(place, column));
      const [low, high] = bounds(ring.start, ring.end, columns);
      const strokes = [side === "in" ? "--before" : "--after", "--third", "--soft"];
      columns.forEach((value, column) => line(seen, ring.start, ring.end, value, low, high, colour(strokes[column % 3])));
      label(seen.context, high.toPrecision(3), 4, 14);
      label(seen.context, low.toPrecision(3), 4, seen.height - 6);
    }
  };
}
