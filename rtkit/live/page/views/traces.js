// Slow signals of no known kind: the samples before and after.

import { Timeline, bounds, canvas, clear, colour, element, label, line } from "/static/draw.js";

const SECONDS = 10, MIN_POINTS = 600, MAX_POINTS = 4000; // of a chart; points of one that is longer, or shorter, for their sake

export class TracesView {
  constructor() {
    this.charts = {};
    this.beside = element("div"); // where views of plug-ins stand
    this.element = element("div", {}, this.beside);
  }

  samples({ rate, parts }) {
    for (const part of parts.filter(({ what }) => what === "trace")) {
      this.charts[part.side] ??= this.#chart(part, rate);
      this.charts[part.side].timeline.push(part);
    }
  }

  #chart({ side, channels }, rate) {
    const words = side === "in" ? "before" : "after", seconds = Math.max(MIN_POINTS / rate, Math.min(SECONDS, MAX_POINTS / rate));
    const surface = canvas("plot", `signal ${words}`);
    const text = `${words}: ${channels.join(", ")} (the last ${Number(seconds.toPrecision(2))} s)`;
    this.element.append(element("figure", {}, element("figcaption", { textContent: text }), surface));
    return { timeline: new Timeline(seconds, rate, channels.length), surface, side };
  }

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
