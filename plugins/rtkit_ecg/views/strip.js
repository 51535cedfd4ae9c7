// The heart: a strip chart on paper of 25 mm/s and 10 mm/mV, beats coloured by their class, heart rate, quality, alarms.

import { Timeline, canvas, clear, colour, element, label } from "/static/draw.js";

const MAX_SHOWN_S = 10, MIN_MILLIMETRE_PX = 2.5; // so that a small screen shows less time
const SPEED_MM_S = 25, GAIN_MM_MV = 10;
const NAMES = { N: "normal", S: "supraventricular", V: "ventricular", F: "fusion", Q: "unknown" };
const COLOURS = { N: "--third", S: "--fifth", V: "--sixth", F: "--fourth", Q: "--soft", normal: "--third", abnormal: "--sixth" };
const MAX_ALARMS = 5, MAX_BEATS = 100;
const MAX_OFFSET_MV = 1.5; // from the middle of its lead, beyond which a trace is shifted
const HEAD_PX = 44, LEAD_PX = 132; // for the classes of the beats, and for a lead

/** The entry of a class in the key of the chart. */
function key(name) {
  const made = element("span", { className: "key", textContent: `${name} ${NAMES[name]}` });
  made.style.setProperty("--swatch", `var(${COLOURS[name]})`);
  return made;
}

export default class StripView {
  constructor() {
    this.timeline = null;
    this.beats = [];
    this.rate = element("p", { className: "big", textContent: "–" });
    this.quality = element("p", { textContent: "signal: –", attributes: { "aria-live": "polite" } });
    this.rhythm = element("ul", { attributes: { "aria-live": "polite", "aria-label": "rhythm and alarms" } });
    this.surface = canvas("strip", "electrocardiogram");
    this.surface.style.height = `${HEAD_PX + LEAD_PX}px`;
    this.element = element("div", {},
      element("div", { className: "readings" }, element("div", {}, this.rate, element("p", { className: "hint", textContent: "beats a minute" })), this.quality, this.rhythm),
      element("figure", {},
        element("figcaption", {}, ...Object.keys(NAMES).map(key), element("span", { textContent: `${SPEED_MM_S} mm/s, ${GAIN_MM_MV} mm/mV` })),
        this.surface),
      element("p", { className: "hint", textContent: "Not a medical device." }));
  }

  samples({ rate, parts }) {
    const part = parts.find(({ side, what }) => side === "in" && what === "trace");
    if (!part) return;
    if (this.timeline === null) {
      this.names = part.channels;
      this.timeline = new Timeline(MAX_SHOWN_S, rate, part.channels.length);
      this.offsets = part.channels.map(() => 0);
      this.surface.style.height = `${HEAD_PX + LEAD_PX * part.channels.length}px`;
    }
    this.timeline.push(part);
  }

  event(event) {
    if (event.kind === "beat") {
      this.beats.push(event);
      if (this.beats.length > MAX_BEATS) this.beats.shift();
      if (this.quality.textContent.endsWith("–")) this.quality.textContent = "signal: good"; // it is told only when it changes
      if (event.data.heart_rate) this.rate.textContent = Math.round(event.data.heart_rate);
      this.surface.tell(`${this.rate.textContent} beats a minute, last beat ${event.label}`);
    } else if (event.kind === "quality") {
      this.quality.textContent = `signal: ${event.label}`;
      this.quality.classList.toggle("alarm", event.label !== "good");
    } else if (event.kind === "rhythm") {
      const calm = event.data.over || event.label === "regular";
      this.rhythm.prepend(element("li", { className: calm ? "" : "alarm", textContent: `${event.time.toFixed(1)} s: ${event.label}` }));
      while (this.rhythm.children.length > MAX_ALARMS) this.rhythm.lastChild.remove();
    }
  }

  /** Whole millivolts by which a lead is shifted, so that one with an offset stays on the paper. */
  #offset(column) {
    const { ring } = this.timeline;
    let sum = 0, count = 0;
    for (let place = ring.start; place < ring.end; place++) {
      const value = ring.at(place, column);
      if (!Number.isNaN(value)) { sum += value; count++; }
    }
    if (count && Math.abs(sum / count - this.offsets[column]) > MAX_OFFSET_MV) this.offsets[column] = Math.round(sum / count);
    return this.offsets[column];
  }

  draw() {
    if (this.timeline === null) return;
    const { context, width, height } = clear(this.surface), seconds = Math.min(MAX_SHOWN_S, width / (SPEED_MM_S * MIN_MILLIMETRE_PX)), second = width / seconds, millimetre = second / SPEED_MM_S;
    this.#paper(context, width, height, millimetre);
    const { ring, rate, now } = this.timeline, { end, columns } = ring, start = Math.max(ring.start, Math.floor(end - seconds * rate));
    for (let column = 0; column < columns; column++) {
      const offset = this.#offset(column), zero = HEAD_PX + (column + 0.5) * LEAD_PX + offset * GAIN_MM_MV * millimetre;
      let missing = true;
      context.beginPath();
      for (let place = start; place < end; place++) {
        const x = width - ((end - place) / rate) * second, y = zero - ring.at(place, column) * GAIN_MM_MV * millimetre;
        if (missing) context.moveTo(x, y); else context.lineTo(x, y);
        missing = Number.isNaN(y);
      }
      context.strokeStyle = colour("--trace");
      context.lineWidth = 1.3;
      context.stroke();
      this.#tag(context, offset ? `${this.names[column]}, zero is ${offset} mV` : this.names[column], 6, HEAD_PX + (column + 1) * LEAD_PX - 8, "--ink");
    }
    for (const { time, label: kind } of this.beats) {
      const x = width - (now - time) * second;
      if (x < 0 || x > width) continue;
      const fill = COLOURS[kind] ?? "--soft";
      context.fillStyle = colour(fill);
      context.fillRect(x - 1, 24, 2, 10);
      context.font = "600 13px system-ui, sans-serif";
      this.#tag(context, kind, x - context.measureText(kind).width / 2, 18, fill);
    }
  }

  /** Text that stays legible where the trace runs through it. */
  #tag(context, text, x, y, fill) {
    context.fillStyle = colour("--chart");
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
