// The heart: a strip chart on paper of 25 mm/s and 10 mm/mV, beats coloured by their class, heart rate, quality, alarms.

import { Ring, canvas, clear, colour, element, label, soon } from "/static/draw.js";
import { traces } from "/static/views/traces.js";

const SECONDS = 10;
const SPEED = 25, GAIN = 10; // mm/s, mm/mV
const CLASSES = { N: "--class-n", S: "--class-s", V: "--class-v", F: "--class-f", Q: "--class-q", normal: "--class-n", abnormal: "--class-v" };
const ALARMS = 5;

export class StripView {
  constructor() {
    this.ring = null;
    this.beats = [];
    this.rate = element("p", { className: "big", textContent: "–" });
    this.quality = element("p", { textContent: "signal: –" });
    this.rhythm = element("ul", { attributes: { "aria-live": "polite", "aria-label": "rhythm and alarms" } });
    this.surface = canvas("strip", "electrocardiogram");
    const keys = [["n", "normal"], ["s", "supraventricular"], ["v", "ventricular"], ["f", "fusion"], ["q", "unknown"]];
    this.element = element("div", {},
      element("div", { className: "vitals" }, element("div", {}, this.rate, element("p", { className: "hint", textContent: "beats a minute" })), this.quality, this.rhythm),
      element("figure", {},
        element("figcaption", {}, ...keys.map(([name, text]) => element("span", { className: `key ${name}`, textContent: text })), element("span", { textContent: "25 mm/s, 10 mm/mV" })),
        this.surface),
      element("p", { className: "hint", textContent: "Not a medical device." }));
  }

  samples(header, packet) {
    const { in: found } = traces(header, packet);
    if (!found) return;
    const { part, values } = found;
    if (this.ring === null) {
      this.names = part.channels;
      this.pace = part.rate;
      this.ring = new Ring(Math.ceil(SECONDS * part.rate), part.channels.length);
    }
    this.ring.push(values);
    this.now = part.start + part.shape[0] / part.rate;
    soon(this.draw);
  }

  event(event) {
    if (event.kind === "beat") {
      this.beats.push(event);
      if (this.beats.length > 100) this.beats.shift();
      if (this.quality.textContent.endsWith("–")) this.quality.textContent = "signal: good"; // it is told only when it changes
      if (event.data.heart_rate) this.rate.textContent = Math.round(event.data.heart_rate);
      this.surface.tell(`${this.rate.textContent} beats a minute, last beat ${event.label}`);
    } else if (event.kind === "quality") {
      this.quality.textContent = `signal: ${event.label}`;
      this.quality.classList.toggle("alarm", event.label !== "good");
    } else if (event.kind === "rhythm") {
      this.rhythm.prepend(element("li", { className: event.data.over ? "" : "alarm", textContent: `${event.time.toFixed(1)} s: ${event.label}` }));
      while (this.rhythm.children.length > ALARMS) this.rhythm.lastChild.remove();
    }
    soon(this.draw);
  }

  draw = () => {
    if (this.ring === null) return;
    const { context, width, height } = clear(this.surface), second = width / SECONDS, millimetre = second / SPEED;
    this.#paper(context, width, height, millimetre);
    const { start, end, columns } = this.ring;
    for (let column = 0; column < columns; column++) {
      const middle = ((column + 0.5) / columns) * height;
      context.beginPath();
      for (let place = start; place < end; place++) {
        const x = width - ((end - place) / this.pace) * second;
        context.lineTo(x, middle - this.ring.at(place, column) * GAIN * millimetre);
      }
      context.strokeStyle = colour("--trace");
      context.lineWidth = 1.3;
      context.stroke();
      label(context, this.names[column], 6, middle + height / columns / 2 - 8, "--ink");
    }
    context.textAlign = "center";
    for (const { time, label: kind } of this.beats) {
      const x = width - (this.now - time) * second;
      if (x < 0 || x > width) continue;
      const fill = CLASSES[kind] ?? "--class-q";
      context.fillStyle = colour(fill);
      context.fillRect(x - 1, 22, 2, 8);
      context.font = "600 13px system-ui, sans-serif";
      label(context, kind, x, 18, fill);
    }
    context.textAlign = "left";
  };

  #paper(context, width, height, millimetre) {
    if (millimetre < 1.5) millimetre *= 5; // the fine lines would fill a small screen
    const lines = Math.ceil(width / millimetre);
    for (let number = 0; number <= lines; number++) {
      context.fillStyle = colour(number % 5 ? "--grid" : "--grid-strong");
      context.fillRect(width - number * millimetre, 0, 1, height);
    }
    for (let number = 0; number * millimetre <= height; number++) {
      context.fillStyle = colour(number % 5 ? "--grid" : "--grid-strong");
      context.fillRect(0, number * millimetre, width, 1);
    }
  }
}
