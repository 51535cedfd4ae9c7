// System identification: measured and predicted output, the error, the coefficients, poles and zeros.

import { Ring, bounds, canvas, clear, colour, element, label, line, soon } from "/static/draw.js";
import { traces } from "/static/views/traces.js";

const POINTS = 600;
const REACH = 2.5; // of the z plane that is shown at most

export class IdentificationView {
  constructor() {
    this.ring = new Ring(POINTS, 2);
    this.model = { coefficients: {}, poles: [], zeros: [] };
    this.outputs = canvas("plot", "measured and predicted output");
    this.errors = canvas("plot", "error of the prediction");
    this.map = canvas("square", "poles and zeros in the z plane");
    this.bars = canvas("square", "coefficients");
    this.caption = element("span", { textContent: "error" });
    this.element = element("div", {},
      element("figure", {}, element("figcaption", {}, element("span", { className: "key before", textContent: "measured" }), element("span", { className: "key after", textContent: "predicted" })), this.outputs),
      element("figure", {}, element("figcaption", {}, this.caption), this.errors),
      element("div", { className: "beside" },
        element("figure", {}, element("figcaption", { textContent: "coefficients" }), this.bars),
        element("figure", {}, element("figcaption", { textContent: "poles (×) and zeros (○)" }), this.map)));
  }

  samples(header, packet) {
    const { out } = traces(header, packet);
    if (!out) return;
    const wide = out.part.channels.length;
    for (let row = 0; row < out.part.shape[0]; row++) this.ring.push(out.values, row * wide, 1); // of several outputs, the first
    soon(this.draw);
  }

  event(event) {
    if (event.kind !== "model") return;
    const { coefficients, poles, zeros, one_step_error: error, free_run_error: free } = event.data;
    this.model = { coefficients: coefficients ?? {}, poles: poles ?? [], zeros: zeros ?? [] };
    const told = error ?? free;
    this.caption.textContent = event.label ?? (told == null ? "error" : `error, rms ${told.toPrecision(3)}`);
    this.bars.tell(Object.entries(this.model.coefficients).slice(0, 8).map(([name, value]) => `${name} ${value.toPrecision(3)}`).join(", "));
    this.map.tell(`${this.model.poles.length} poles, ${this.model.zeros.length} zeros`);
    soon(this.draw);
  }

  draw = () => {
    const { ring } = this, predicted = (place) => ring.at(place, 0), error = (place) => ring.at(place, 1);
    const measured = (place) => predicted(place) + error(place);
    const outputs = clear(this.outputs), errors = clear(this.errors);
    const [low, high] = bounds(ring.start, ring.end, [measured, predicted]), [least, most] = bounds(ring.start, ring.end, [error]);
    line(outputs, ring.start, ring.end, measured, low, high, colour("--before"));
    line(outputs, ring.start, ring.end, predicted, low, high, colour("--after"));
    line(errors, ring.start, ring.end, error, least, most, colour("--alarm"));
    for (const [seen, down, up] of [[outputs, low, high], [errors, least, most]]) {
      label(seen.context, up.toPrecision(3), 4, 14);
      label(seen.context, down.toPrecision(3), 4, seen.height - 6);
    }
    this.#coefficients();
    this.#roots();
  };

  #coefficients() {
    const { context, width, height } = clear(this.bars), found = Object.entries(this.model.coefficients).slice(0, 16);
    const most = Math.max(...found.map(([, value]) => Math.abs(value)), 1e-12), row = Math.min(24, height / Math.max(found.length, 1));
    found.forEach(([name, value], number) => {
      const y = number * row + 4, zero = width * 0.7, size = (value / most) * width * 0.28;
      context.fillStyle = colour(value < 0 ? "--before" : "--after");
      context.fillRect(Math.min(zero, zero + size), y, Math.abs(size), row - 6);
      label(context, name, 4, y + row - 10, "--ink");
      label(context, value.toPrecision(3), width * 0.24, y + row - 10);
    });
  }

  #roots() {
    const { context, width, height } = clear(this.map), { poles, zeros } = this.model;
    const reach = Math.min(REACH, Math.max(1.2, ...[...poles, ...zeros].map(([re, im]) => 1.1 * Math.hypot(re, im))));
    const scale = Math.min(width, height) / 2 / reach, within = (value, size) => Math.min(Math.max(value, 6), size - 6);
    const x = (re) => within(width / 2 + re * scale, width), y = (im) => within(height / 2 - im * scale, height); // what is far out stands at the edge
    context.strokeStyle = colour("--soft");
    context.lineWidth = 1;
    context.beginPath();
    context.arc(x(0), y(0), scale, 0, 2 * Math.PI);
    context.moveTo(0, y(0)); context.lineTo(width, y(0)); context.moveTo(x(0), 0); context.lineTo(x(0), height);
    context.stroke();
    context.lineWidth = 2;
    context.strokeStyle = colour("--alarm");
    context.beginPath();
    for (const [re, im] of poles) {
      context.moveTo(x(re) - 5, y(im) - 5); context.lineTo(x(re) + 5, y(im) + 5);
      context.moveTo(x(re) + 5, y(im) - 5); context.lineTo(x(re) - 5, y(im) + 5);
    }
    context.stroke();
    context.strokeStyle = colour("--after");
    for (const [re, im] of zeros) { context.beginPath(); context.arc(x(re), y(im), 5, 0, 2 * Math.PI); context.stroke(); }
  }
}
