// A map of points of any number of dimensions, such as the inner values of a network: the newest among those before it.

import { bounds, canvas, clear, colour, element, label } from "/static/draw.js";

const MAX_POINTS = 200;
const AXES_INTERVAL = 15; // points between two looks for the principal axes
const FILLS = ["--after", "--before", "--third", "--fourth", "--fifth", "--sixth"];
const SHAPES = ["●", "■", "▲"]; // of more names than colours
const UNKNOWN = "unknown"; // is drawn in a lesser colour than the names are

/** The two directions in which points differ most, by power iteration; from those before on, so that the map does not leap. */
function principal(points, mean, before) {
  const axes = [];
  for (let number = 0; number < 2; number++) {
    let axis = before?.[number] ?? [];
    if (!axis.some(Boolean)) axis = mean.map((_, index) => Math.sin(1 + index + number)); // of a single point there are none
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

/** The path of a mark around a place. */
function shaped(context, shape, x, y, size) {
  if (shape === "●") context.arc(x, y, size, 0, 2 * Math.PI);
  else if (shape === "■") context.rect(x - size, y - size, 2 * size, 2 * size);
  else {
    context.moveTo(x, y - size); context.lineTo(x + size, y + size); context.lineTo(x - size, y + size);
    context.closePath();
  }
}

export class PointMap {
  /** `title`: what it is a map of, such as "map of the clusters". */
  constructor(title) {
    this.title = title;
    this.points = [];
    this.count = 0;
    this.names = [];
    this.surface = canvas("square", title);
    this.caption = element("figcaption", { textContent: title });
    this.legend = element("ul", { className: "legend", attributes: { "aria-label": "names on the map" } });
    this.element = element("figure", {}, this.caption, this.surface, this.legend);
  }

  /** Shape and colour of a name. */
  #mark(name) {
    const number = this.names.indexOf(name);
    if (number < 0) return ["●", name === UNKNOWN ? "--soft" : FILLS[0]];
    return [SHAPES[Math.floor(number / FILLS.length) % SHAPES.length], FILLS[number % FILLS.length]];
  }

  #name(name) {
    if (name === UNKNOWN ? this.unknown : this.names.includes(name)) return;
    if (name === UNKNOWN) this.unknown = true;
    else this.names.push(name);
    const [shape, fill] = this.#mark(name), mark = element("span", { textContent: shape, attributes: { "aria-hidden": "true" } });
    mark.style.color = `var(${fill})`;
    this.legend.append(element("li", {}, mark, ` ${name}`));
  }

  /** Adds a point: its place (an array of numbers), and the name of what it belongs to, or null. */
  add(place, name) {
    this.points.push({ place, name: name ?? "" });
    if (this.points.length > MAX_POINTS) this.points.shift();
    if (name) this.#name(name);
    const wide = place.length;
    if (wide > 2 && this.count++ % AXES_INTERVAL === 0) {
      this.mean = place.map((_, index) => this.points.reduce((sum, point) => sum + point.place[index], 0) / this.points.length);
      this.axes = principal(this.points, this.mean, this.axes);
    }
    const what = wide > 2 ? `${wide} values, seen along the two axes in which they differ most` : "two values";
    this.caption.textContent = `${this.title} (${what})`;
    this.surface.tell(name ?? place.slice(0, 2).join(", "));
  }

  #seen(place) {
    if (place.length <= 2) return [place[0], place[1] ?? 0];
    return this.axes.map((axis) => axis.reduce((sum, value, i) => sum + value * (place[i] - this.mean[i]), 0));
  }

  draw() {
    if (this.points.length === 0) return;
    const { context, width, height } = clear(this.surface);
    const places = this.points.map(({ place }) => this.#seen(place));
    const [left, right] = bounds(0, places.length, [(i) => places[i][0]]), [low, high] = bounds(0, places.length, [(i) => places[i][1]]);
    const x = (value) => 10 + ((value - left) / (right - left)) * (width - 20), y = (value) => height - 10 - ((value - low) / (high - low)) * (height - 20);
    places.forEach(([across, up], number) => {
      const last = number === places.length - 1, { name } = this.points[number], [shape, fill] = this.#mark(name);
      context.globalAlpha = last ? 1 : 0.15 + (0.6 * number) / places.length;
      context.fillStyle = colour(fill);
      context.beginPath();
      shaped(context, shape, x(across), y(up), last ? 7 : 3);
      context.fill();
      if (!last) return;
      context.strokeStyle = colour("--ink");
      context.lineWidth = 2;
      context.stroke();
      const right = x(across) + 12 + context.measureText(name).width < width; // else it stands on the left
      context.textAlign = right ? "left" : "right";
      label(context, name, x(across) + (right ? 12 : -12), y(up) + 4, "--ink");
      context.textAlign = "left";
    });
  }
}
