// Sound before and after: level meters, waveforms, spectrograms, and the echo return loss enhancement over time.

import { HEAT, Ring, bounds, canvas, clear, colour, element, label, soon } from "/static/draw.js";

const COLUMNS = 500; // of 20 ms: 10 s
const BANDS = 128;
const ERLE = 60; // seconds
const COLUMN = 0.02, BREAK = 5; // s of a column; of so many columns on a break is shown

class Channel {
  constructor(side, name, rate) {
    this.envelope = new Ring(COLUMNS, 2);
    this.side = side;
    this.rate = rate;
    const words = side === "in" ? "before" : "after";
    this.meter = element("meter", { min: -60, max: 0, low: -60, high: -6, optimum: -20, value: -60, attributes: { "aria-label": `level of ${name}` } });
    this.level = element("span", { textContent: "" });
    this.wave = canvas("wave", `waveform of ${name}, ${words}`);
    this.spectrum = canvas("spectrum", `spectrogram of ${name}, ${words}, 0 to ${rate / 2000} kHz`);
    this.picture = new OffscreenCanvas(COLUMNS, BANDS);
    this.pixels = this.picture.getContext("2d");
    this.pixels.fillRect(0, 0, COLUMNS, BANDS);
    this.element = element("figure", {},
      element("figcaption", {}, element("span", { className: `key ${side === "in" ? "before" : "after"}`, textContent: `${words}: ${name}` }), this.meter, this.level),
      this.wave, this.spectrum);
  }

  column(levels, at, place) {
    const x = place % COLUMNS;
    const strip = this.pixels.createImageData(1, BANDS);
    for (let band = 0; band < BANDS; band++) {
      const [red, green, blue] = HEAT[levels[at + band]];
      strip.data.set([red, green, blue, 255], 4 * (BANDS - 1 - band));
    }
    this.pixels.putImageData(strip, x, 0);
  }

  /** Leaves some columns empty. */
  skip(columns) {
    const end = this.envelope.end + columns;
    this.envelope.skip(end);
    const empty = new Uint8Array(BANDS);
    for (let place = Math.max(end - columns, end - COLUMNS); place < end; place++) this.column(empty, 0, place);
  }

  /** The greatest sample that is seen. */
  get most() {
    let most = 0;
    for (let place = this.envelope.start; place < this.envelope.end; place++) most = Math.max(most, -this.envelope.at(place, 0) || 0, this.envelope.at(place, 1) || 0);
    return most;
  }

  draw(gain) {
    const seen = clear(this.wave), { start, end } = this.envelope;
    seen.context.fillStyle = colour(this.side === "in" ? "--before" : "--after");
    const step = seen.width / COLUMNS, middle = seen.height / 2, scale = gain * middle;
    for (let place = start; place < end; place++) {
      const low = this.envelope.at(place, 0), high = this.envelope.at(place, 1);
      const x = (COLUMNS - (end - place)) * step;
      if (Number.isNaN(low)) continue;
      seen.context.fillRect(x, middle - high * scale, Math.max(step, 1), Math.max((high - low) * scale, 1));
    }
    const { context, width, height } = clear(this.spectrum);
    context.imageSmoothingEnabled = false;
    const split = end % COLUMNS, filled = end - start, oldest = filled < COLUMNS ? 0 : split, left = (COLUMNS - filled) * step;
    const first = Math.min(filled, COLUMNS - oldest);
    context.drawImage(this.picture, oldest, 0, first, BANDS, left, 0, first * step, height);
    if (first < filled) context.drawImage(this.picture, 0, 0, filled - first, BANDS, left + first * step, 0, width - left - first * step, height);
    context.fillStyle = "#000a";
    context.fillRect(0, 0, 50, 19);
    context.fillStyle = "#fff";
    context.fillText(`${this.rate / 2000} kHz`, 4, 14);
  }

  levels(rms, peak) {
    const decibels = (value) => Math.max(-60, 20 * Math.log10(value + 1e-9));
    this.meter.value = decibels(rms);
    this.level.textContent = `${decibels(rms).toFixed(0)} dB, peak ${decibels(peak).toFixed(0)} dB`;
    this.wave.tell(this.level.textContent);
  }
}

export class SoundView {
  constructor() {
    this.channels = new Map();
    this.list = element("div");
    this.caption = element("figcaption", { textContent: "echo return loss enhancement (ERLE)" });
    this.chart = canvas("plot", "echo return loss enhancement over the last minute");
    this.erle = element("figure", { hidden: true }, this.caption, this.chart);
    this.points = [];
    this.next = {}; // stream time (s) that is expected, by side
    this.element = element("div", {}, this.erle, this.list);
  }

  samples(header, packet) {
    const [{ side, shape }] = header.parts, missing = Math.round((header.start - (this.next[side] ?? header.start)) / COLUMN);
    if (missing >= BREAK) for (const channel of this.channels.values()) channel.skip(missing);
    this.next[side] = header.start + shape[0] * COLUMN;
    for (const part of header.parts) {
      const count = part.shape.reduce((product, size) => product * size, 1), values = packet.take(part.dtype, count);
      if (!["envelope", "spectrum", "level"].includes(part.what)) continue;
      part.channels.forEach((name, index) => this.#take(part, values, this.#channel(part.side, name, index, header.rate), index));
    }
    soon(this.draw);
  }

  #channel(side, name, index, rate) {
    const key = `${side} ${index}`;
    if (!this.channels.has(key)) {
      const made = new Channel(side, name, rate);
      this.channels.set(key, made);
      this.list.append(made.element);
    }
    return this.channels.get(key);
  }

  #take(part, values, channel, index) {
    if (part.what === "level") {
      channel.levels(values[2 * index], values[2 * index + 1]);
      return;
    }
    const [columns, wide] = part.shape;
    for (let column = 0; column < columns; column++) {
      const at = column * wide + index;
      if (part.what === "envelope") channel.envelope.push(values, 2 * at, 1);
      else channel.column(values, at * BANDS, channel.envelope.end - columns + column); // of the same columns, which came before
    }
  }

  event(event) {
    if (event.kind !== "echo") return;
    this.erle.hidden = false;
    this.points.push([event.time, event.data.erle_db ?? 0]);
    while (this.points.length && this.points[0][0] < event.time - ERLE) this.points.shift();
    const more = [event.data.delay_ms !== undefined ? `delay ${event.data.delay_ms} ms` : "", event.data.drift_ppm !== undefined ? `drift ${event.data.drift_ppm} ppm` : ""];
    const text = [`ERLE ${event.data.erle_db} dB`, event.label, ...more].filter(Boolean).join(", ");
    this.caption.textContent = text;
    this.chart.tell(text);
    soon(this.draw);
  }

  draw = () => {
    const channels = [...this.channels.values()];
    const gain = 1 / Math.max(0.05, ...channels.map((channel) => channel.most)); // one for all, so that before and after compare
    for (const channel of channels) channel.draw(gain);
    if (this.erle.hidden || this.points.length === 0) return;
    const seen = clear(this.chart), { context, width, height } = seen;
    const [, high] = bounds(0, this.points.length, [(place) => this.points[place][1]]);
    const top = Math.max(10, Math.ceil(high / 10) * 10), now = this.points.at(-1)[0];
    for (let level = 0; level <= top; level += 10) {
      const y = height - 4 - (level / top) * (height - 8);
      context.fillStyle = colour("--line");
      context.fillRect(0, y, width, 1);
      label(context, `${level} dB`, 4, Math.max(y - 3, 12));
    }
    context.beginPath();
    for (const [time, value] of this.points) context.lineTo(width - ((now - time) / ERLE) * width, height - 4 - (Math.max(value, 0) / top) * (height - 8));
    context.strokeStyle = colour("--after");
    context.lineWidth = 2;
    context.stroke();
    label(context, `the last ${ERLE} s`, width - 80, height - 8);
  };
}
