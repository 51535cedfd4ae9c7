// The heart: a strip chart on paper of 25 mm/s and 10 mm/mV, beats coloured by their class, heart rate, quality, alarms.

import { canvas, clear, colour, element, label, soon } from "/static/draw.js";
import { Timeline, traces } from "/static/views/traces.js";

const SECONDS = 10, MILLIMETRE = 2.5; // at most; pixels of a millimetre at least, so that a small screen shows less time
const SPEED = 25, GAIN = 10; // mm/s, mm/mV
const CLASSES = { N: "--class-n", S: "--class-s", V: "--class-v", F: "--class-f", Q: "--class-q", normal: "--class-n", abnormal: "--class-v" };
const ALARMS = 5, BEATS = 100;
const MIDDLE = 1.5; // mV from the middle of its lead beyond which a trace is shifted
const HEAD = 44, LEAD = 132; // pixels for the classes of the beats, and for a lead

export class StripView {
  constructor() {
    this.timeline = null;
    this.beats = [];
    this.rate = element("p", { className: "big", textContent: "–" });
    this.quality = element("p", { textContent: "signal: –", attributes: { "aria-live": "polite" } });
    this.rhythm = element("ul", { attributes: { "aria-live": "polite", "aria-label": "rhythm and alarms" } });
    this.surface = canvas("strip", "electrocardiogram");
    const keys = [["n", "N normal"], ["s", "S supraventricular"], ["v", "V ventricular"], ["f", "F fusion"], ["q", "Q unknown"]];
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
    if (this.timeline === null) {
      this.names = part.channels;
      this.timeline = new Timeline(SECONDS, header.rate, part.channels.length);
      this.offsets = part.channels.map(() => 0);
      this.surface.style.height = `${HEAD + LEAD * part.channels.length}px`;
    }
    this.timeline.push(part, values);
    soon(this.draw);
  }

  event(event) {
    if (event.kind === "beat") {
      this.beats.push(event);
      if (this.beats.length > BEATS) this.beats.shift();
      if (this.quality.textContent.endsWith("–")) this.quality.textContent = "signal: good"; // it is told only when it changes
      if (event.data.heart_rate) this.rate.textContent = Math.round(event.data.heart_rate);
      this.surface.tell(`${this.rate.textContent} beats a minute, last beat ${event.label}`);
    } else if (event.kind === "quality") {
      this.quality.textContent = `signal: ${event.label}`;
      this.quality.classList.toggle("alarm", event.label !== "good");
    } else if (event.kind === "rhythm") {
      const calm = event.data.over || event.label === "regular";
      this.rhythm.prepend(element("li", { className: calm ? "" : "alarm", textContent: `${event.time.toFixed(1)} s: ${event.label}` }));
      while (this.rhythm.children.length > ALARMS) this.rhythm.lastChild.remove();
    }
    soon(this.draw);
  }

  /** Whole millivolts by which a lead is shifted, so that one with an offset stays on the paper. */
  #offset(column) {
    const { ring } = this.timeline;
    let sum = 0, count = 0;
    for (let place = ring.start; place < ring.end; place++) {
      const value = ring.at(place, column);
      if (!Number.isNaN(value)) { sum += value; count++; }
    }
    if (count && Math.abs(sum / count - this.offsets[column]) > MIDDLE) this.offsets[column] = Math.round(sum / count);
    return this.offsets[column];
  }

  draw = () => {
    if (this.timeline === null) return;
    const { context, width, height } = clear(this.surface), seconds = Math.min(SECONDS, width / (SPEED * MILLIMETRE)), second = width / seconds, millimetre = second / SPEED;
    this.#paper(context, width, height, millimetre);
    const { ring, rate, now } = this.timeline, { end, columns } = ring, start = Math.max(ring.start, Math.floor(end - seconds * rate));
    for (let column = 0; column < columns; column++) {
      const offset = this.#offset(column), zero = HEAD + (column + 0.5) * LEAD + offset * GAIN * millimetre;
      let missing = true;
      context.beginPath();
      for (let place = start; place < end; place++) {
        const x = width - ((end - place) / rate) * second, y = zero - ring.at(place, column) * GAIN * millimetre;
        if (missing) context.moveTo(x, y); else context.lineTo(x, y);
        missing = Number.isNaN(y);
      }
      context.strokeStyle = colour("--trace");
      context.lineWidth = 1.3;
      context.stroke();
      this.#tag(context, offset ? `${this.names[column]}, zero is ${offset} mV` : this.names[column], 6, HEAD + (column + 1) * LEAD - 8, "--ink");
    }
    for (const { time, label: kind } of this.beats) {
      const x = width - (now - time) * second;
      if (x < 0 || x > width) continue;
      const fill = CLASSES[kind] ?? "--class-q";
      context.fillStyle = colour(fill);
      context.fillRect(x - 1, 24, 2, 10);
      context.font = "600 13px system-ui, sans-serif";
      this.#tag(context, kind, x - context.measureText(kind).width / 2, 18, fill);
    }
  };

  /** Text that stays legible where the trace runs through it. */
  #tag(context, text, x, y, fill) {
    context.fillStyle = colour("--strip");
    context.fillRect(x - 3, y - 13, context.measureText(text).width + 6, 17);
    label(context, text, x, y, fill);
  }

  #paper(context, width, height, millimetre) {
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
