// Sound before and after: level meters, waveforms, spectrograms.

import { HEAT, Ring, canvas, clear, colour, element } from "/static/draw.js";

const COLUMNS = 500; // of 20 ms: 10 s
const BANDS = 128;
const COLUMN_S = 0.02, MIN_BREAK = 5; // of so many columns on a break is shown
const MIN_LEVEL_DB = -60;

class Channel {
  constructor(side, name, rate) {
    this.envelope = new Ring(COLUMNS, 2);
    this.side = side;
    this.rate = rate;
    const words = side === "in" ? "before" : "after";
    this.meter = element("meter", { min: MIN_LEVEL_DB, max: 0, low: MIN_LEVEL_DB, high: -6, optimum: -20, value: MIN_LEVEL_DB, attributes: { "aria-label": `level of ${name}` } });
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
    const decibels = (value) => Math.max(MIN_LEVEL_DB, 20 * Math.log10(value + 1e-9));
    this.meter.value = decibels(rms);
    this.level.textContent = `${decibels(rms).toFixed(0)} dB, peak ${decibels(peak).toFixed(0)} dB`;
    this.wave.tell(this.level.textContent);
  }
}

export class SoundView {
  constructor() {
    this.channels = new Map();
    this.list = element("div");
    this.beside = element("div"); // where views of plug-ins stand
    this.next = {}; // stream time (s) that is expected, by side
    this.element = element("div", {}, this.beside, this.list);
  }

  samples({ start, rate, parts }) {
    const drawn = parts.filter(({ what }) => what !== "trace");
    if (drawn.length === 0) return;
    const [{ side, shape }] = drawn, missing = Math.round((start - (this.next[side] ?? start)) / COLUMN_S);
    if (missing >= MIN_BREAK) for (const channel of this.channels.values()) channel.skip(missing);
    this.next[side] = start + shape[0] * COLUMN_S;
    for (const part of drawn) part.channels.forEach((name, index) => this.#take(part, this.#channel(part.side, name, index, rate), index));
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

  #take(part, channel, index) {
    const { values } = part;
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

  draw = () => {
    const channels = [...this.channels.values()];
    const gain = 1 / Math.max(0.05, ...channels.map((channel) => channel.most)); // one for all, so that before and after compare
    for (const channel of channels) channel.draw(gain);
  };
}
