// Where the present frame lies in the latent space of a network, among those seen before.

import { bounds, canvas, clear, colour, element, label, soon } from "/static/draw.js";

const KEPT = 200;
const OFTEN = 15; // points between two looks for the principal axes
const FILLS = ["--after", "--before", "--third", "--class-f", "--class-s", "--class-v", "--soft"];

/** The two directions in which points differ most, by power iteration. */
function principal(points, mean) {
  const axes = [];
  for (let number = 0; number < 2; number++) {
    let axis = mean.map((_, index) => Math.sin(1 + index + number));
    for (let turn = 0; turn < 12; turn++) {
      const next = new Float64Array(axis.length);
      for (const { place } of points) {
        let along = 0;
        for (let i = 0; i < axis.length; i++) along += (place[i] - mean[i]) * axis[i];
        for (let i = 0; i < axis.length; i++) next[i] += along * (place[i] - mean[i]);
      }
      for (const other of axes) {
        const part = other.reduce((sum, value, i) => sum + value * next[i], 0);
        for (let i = 0; i < next.length; i++) next[i] -= part * other[i];
      }
      const size = Math.hypot(...next) || 1;
      axis = Array.from(next, (value) => value / size);
    }
    axes.push(axis);
  }
  return axes;
}

export class LatentView {
  constructor() {
    this.points = [];
    this.count = 0;
    this.names = [];
    this.surface = canvas("square", "latent map");
    this.caption = element("figcaption", { textContent: "latent map" });
    this.element = element("figure", { hidden: true }, this.caption, this.surface);
  }

  event(event) {
    const place = event.data.latent ?? event.data.z;
    if (!place) return;
    this.element.hidden = false;
    this.points.push({ place, name: event.label ?? "" });
    if (this.points.length > KEPT) this.points.shift();
    if (event.label && !this.names.includes(event.label)) this.names.push(event.label);
    const wide = place.length;
    if (wide > 2 && this.count++ % OFTEN === 0) {
      this.mean = place.map((_, index) => this.points.reduce((sum, point) => sum + point.place[index], 0) / this.points.length);
      this.axes = principal(this.points, this.mean);
    }
    const what = wide > 2 ? `${wide} values, seen along the two axes in which they differ most` : "two values";
    this.caption.textContent = `latent map (${what})`;
    this.surface.tell(event.label ?? place.slice(0, 2).join(", "));
    soon(this.draw);
  }

  #seen(place) {
    if (place.length <= 2) return [place[0], place[1] ?? 0];
    return this.axes.map((axis) => axis.reduce((sum, value, i) => sum + value * (place[i] - this.mean[i]), 0));
  }

  draw = () => {
    if (this.points.length === 0) return;
    const { context, width, height } = clear(this.surface), places = this.points.map(({ place }) => this.#seen(place));
    const [left, right] = bounds(0, places.length, [(i) => places[i][0]]), [low, high] = bounds(0, places.length, [(i) => places[i][1]]);
    const x = (value) => 10 + ((value - left) / (right - left)) * (width - 20), y = (value) => height - 10 - ((value - low) / (high - low)) * (height - 20);
    places.forEach(([across, up], number) => {
      const last = number === places.length - 1, name = this.points[number].name;
      context.globalAlpha = last ? 1 : 0.15 + (0.6 * number) / places.length;
      context.fillStyle = colour(FILLS[Math.max(this.names.indexOf(name), 0) % FILLS.length]);
      context.beginPath();
      context.arc(x(across), y(up), last ? 7 : 3, 0, 2 * Math.PI);
      context.fill();
      if (last) { context.strokeStyle = colour("--ink"); context.lineWidth = 2; context.stroke(); label(context, name, Math.min(x(across) + 11, width - 80), y(up) + 4, "--ink"); }
    });
    context.globalAlpha = 1;
  };
}
