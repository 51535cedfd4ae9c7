// System identification: measured and predicted output, the error, the coefficients, poles and zeros.

import { Ring, bounds, canvas, clear, colour, element, label, line, soon } from "/static/draw.js";

const POINTS = 600;
const MAX_RADIUS = 2.5; // of the z plane that is shown
const MAX_BARS = 16, BAR_PX = 24; // coefficients that are shown, and the height of one
const digits = (value) => (Number.isFinite(value) ? value.toPrecision(3) : "–");

export default class IdentificationView {
  constructor() {
    this.ring = null;
    this.outputs = []; // names; with one output it has none
    this.models = new Map(); // the newest event of each output, by its name
    this.choice = element("select", { id: "output", onchange: () => { this.#show(); soon(this.draw); } });
    this.choices = element("div", { className: "row pick", hidden: true }, element("label", { htmlFor: "output", textContent: "Output" }), this.choice);
    this.signals = canvas("plot", "measured and predicted output");
    this.errors = canvas("plot", "error of the prediction");
    this.map = canvas("square", "poles and zeros in the z plane");
    this.bars = canvas("square", "coefficients");
    this.caption = element("span", { textContent: "error" });
    this.barsFigure = element("figure", { hidden: true }, element("figcaption", { textContent: "coefficients" }), this.bars);
    this.mapFigure = element("figure", { hidden: true }, element("figcaption", { textContent: "poles (×) and zeros (○)" }), this.map);
    this.element = element("div", {},
      this.choices,
      element("figure", {}, element("figcaption", {}, element("span", { className: "key before", textContent: "measured" }), element("span", { className: "key after", textContent: "predicted" })), this.signals),
      element("figure", {}, element("figcaption", {}, this.caption), this.errors),
      element("div", { className: "halves" }, this.barsFigure, this.mapFigure));
  }

  samples({ parts }) {
    const part = parts.find(({ side, what }) => side === "out" && what === "trace");
    if (!part || part.channels.length < 2) return;
    if (this.ring === null) {
      this.ring = new Ring(POINTS, part.channels.length);
      this.outputs = part.channels.filter((_, index) => index % 2 === 0).map((name) => name.replace(/^prediction ?/, "")); // prediction and error of each
      this.choice.replaceChildren(...this.outputs.map((name) => element("option", { value: name, textContent: name })));
      this.choices.hidden = this.outputs.length < 2;
    }
    this.ring.push(part.values);
  }

  event(event) {
    this.models.set(event.data.output ?? "", event);
    this.#show();
  }

  get model() { return this.models.get(this.outputs.length > 1 ? this.choice.value : ""); }

  /** What the newest event of the chosen output tells. */
  #show() {
    const { label: state, data = {} } = this.model ?? {}, told = data.one_step_error ?? data.free_run_error;
    this.caption.textContent = state ?? (told == null ? "error" : `error, rms ${digits(told)}`);
    this.coefficients = Object.entries(data.coefficients ?? {}).slice(0, MAX_BARS);
    this.poles = data.poles ?? [];
    this.zeros = data.zeros ?? [];
    this.barsFigure.hidden = this.coefficients.length === 0;
    this.bars.style.height = `${BAR_PX * this.coefficients.length}px`;
    this.mapFigure.hidden = this.poles.length + this.zeros.length === 0;
    this.errors.tell(this.caption.textContent);
    this.bars.tell(this.coefficients.slice(0, 8).map(([name, value]) => `${name} ${digits(value)}`).join(", "));
    this.map.tell(`${this.poles.length} poles, ${this.zeros.length} zeros`);
  }

  draw = () => {
    if (this.ring !== null) this.#signals();
    if (!this.barsFigure.hidden) this.#coefficients();
    if (!this.mapFigure.hidden) this.#roots();
  };

  #signals() {
    const { ring } = this, column = 2 * Math.max(this.choice.selectedIndex, 0);
    const predicted = (place) => ring.at(place, column), error = (place) => ring.at(place, column + 1);
    const measured = (place) => predicted(place) + error(place);
    const signals = clear(this.signals), errors = clear(this.errors);
    const [low, high] = bounds(ring.start, ring.end, [measured, predicted]), [least, most] = bounds(ring.start, ring.end, [error]);
    line(signals, ring.start, ring.end, measured, low, high, colour("--before"), 3); // wider, as the prediction lies on it when all is well
    line(signals, ring.start, ring.end, predicted, low, high, colour("--after"));
    line(errors, ring.start, ring.end, error, least, most, colour("--alarm"));
    for (const [seen, down, up] of [[signals, low, high], [errors, least, most]]) {
      label(seen.context, digits(up), 4, 14);
      label(seen.context, digits(down), 4, seen.height - 6);
    }
  }

  #coefficients() {
    const { context, width } = clear(this.bars), found = this.coefficients;
    const most = Math.max(...found.map(([, value]) => Math.abs(value) || 0), 1e-12);
    const wide = (texts) => Math.max(...texts.map((text) => context.measureText(text).width));
    const values = 4 + wide(found.map(([name]) => name)) + 10, left = values + wide(found.map(([, value]) => digits(value))) + 10;
    const zero = (left + width - 4) / 2, half = (width - 4 - left) / 2;
    context.fillStyle = colour("--line");
    context.fillRect(zero, 0, 1, BAR_PX * found.length);
    found.forEach(([name, value], number) => {
      const y = number * BAR_PX, size = ((value || 0) / most) * half;
      context.fillStyle = colour(value < 0 ? "--before" : "--after");
      context.fillRect(Math.min(zero, zero + size), y + 4, Math.abs(size), BAR_PX - 8);
      label(context, name, 4, y + BAR_PX / 2 + 4, "--ink");
      label(context, digits(value), values, y + BAR_PX / 2 + 4);
    });
  }

  #roots() {
    const { context, width, height } = clear(this.map), { poles, zeros } = this;
    const reach = Math.min(MAX_RADIUS, Math.max(1.2, ...[...poles, ...zeros].map(([re, im]) => 1.1 * Math.hypot(re, im))));
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
