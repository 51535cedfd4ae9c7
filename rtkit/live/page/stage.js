// What is shown of one stream: a general view by what flows, and the views of plug-ins that its processors and its events ask for.

import { element, soon } from "/static/draw.js";
import { SoundView } from "/static/views/sound.js";
import { TracesView } from "/static/views/traces.js";
import { VideoView } from "/static/views/video.js";

const LOAD_TIMEOUT_MS = 10000;
const MAX_WAITING = 2000; // messages that are kept while views are loaded

const failed = new Set(); // modules that were given up: not tried again

/** A view of a plug-in on this stage; whatever it does, the page goes on without it. */
class PluginView {
  /** `entry`: as the server lists it; `complain(text)`: tells of a view that is dropped. */
  constructor(entry, complain) {
    this.entry = entry;
    this.complain = complain;
  }

  /** Loads the module and makes the view; whether that went well. */
  async load() {
    const { module } = this.entry;
    try {
      const late = new Promise((_, reject) => { setTimeout(() => reject(new Error(`not loaded within ${LOAD_TIMEOUT_MS / 1000} s`)), LOAD_TIMEOUT_MS); });
      const { default: View } = await Promise.race([import(module), late]);
      if (typeof View !== "function") throw new TypeError("its default export is no class");
      this.view = new View();
      if (!(this.view.element instanceof Element)) throw new TypeError("it has no element");
      this.element = this.view.element;
    } catch (error) {
      this.#drop(error);
    }
    return !this.dropped;
  }

  /** Whether it draws the signals itself: then no general view does. */
  get drawsSignals() { return typeof this.view.samples === "function"; }

  /** Hands something over, and draws what came of it. */
  take(method, value) {
    if (typeof this.view[method] !== "function") return;
    this.#call(method, value);
    this.fed = true;
    soon(this.draw);
  }

  draw = () => { if (this.fed) this.#call("draw"); };

  #call(method, value) {
    if (this.dropped || typeof this.view[method] !== "function") return;
    try {
      this.view[method](value);
    } catch (error) {
      this.#drop(error);
    }
  }

  #drop(error) {
    const { plugin, module } = this.entry;
    this.dropped = true;
    this.element?.remove();
    failed.add(module);
    this.complain(`the view ${module.split("/").at(-1)} of plug-in ${plugin} was dropped: ${error?.message ?? error}`);
  }
}

export class Stage {
  /**
   * `stream`: as the server tells its state; `entries`: the views that plug-ins have; `drawn(index)`: a frame is on the screen;
   * `complain(text)`: a view is dropped.
   */
  constructor(stream, entries, { drawn, complain }) {
    this.entries = entries;
    this.complain = complain;
    this.views = []; // of plug-ins
    this.waiting = []; // messages, while views are loaded
    this.general = null;
    this.top = element("div"); // where views of plug-ins stand
    this.element = element("div", { className: "stage" }, this.top);
    if (stream.gives === "frames") this.#show(new VideoView(drawn));
    const names = stream.steps.map((step) => step.processor);
    this.#load(this.#missing(names));
  }

  samples(packet) { this.#take("samples", packet); }

  event(event) { this.#take("event", event); }

  /** A picture: only the general view shows it, and at once. */
  frame(header, jpeg) { this.general?.frame?.(header, jpeg); }

  draw() {
    if (this.general?.draw) soon(this.general.draw);
    for (const view of this.views) soon(view.draw);
  }

  get #shown() { return this.views.filter(({ dropped }) => !dropped); }

  /** Views that ask for one of these names and are not here yet. */
  #missing(names) {
    return this.entries.filter(({ module, wants }) => wants.some((name) => names.includes(name))
      && !failed.has(module) && !this.views.some(({ entry }) => entry.module === module));
  }

  async #load(entries) {
    if (entries.length === 0) return;
    this.loading = true;
    const made = entries.map((entry) => new PluginView(entry, this.complain));
    const loaded = await Promise.all(made.map((view) => view.load()));
    this.views.push(...made.filter((_, index) => loaded[index]));
    if (this.general && !this.general.frame && this.views.some((view) => view.drawsSignals)) {
      this.general.element.remove();
      this.general = null;
    }
    this.#place();
    this.loading = false;
    this.#work();
  }

  /** Puts the views of plug-ins where they belong: beside the general one if there is one. */
  #place() {
    (this.general?.beside ?? this.top).append(...this.#shown.map((view) => view.element));
  }

  #show(general) {
    this.general = general;
    this.element.append(general.element);
    this.#place();
  }

  #take(method, value) {
    this.waiting.push([method, value]);
    if (this.waiting.length > MAX_WAITING) this.waiting.shift();
    if (!this.loading) this.#work();
  }

  #work() {
    while (this.waiting.length) {
      const [method, value] = this.waiting[0], missing = method === "event" ? this.#missing([value.kind]) : [];
      if (missing.length) { // the event stays for them
        this.#load(missing);
        return;
      }
      this.waiting.shift();
      this.#deliver(method, value);
    }
  }

  #deliver(method, value) {
    if (method === "samples" && !this.general && !this.#shown.some((view) => view.drawsSignals)) {
      this.#show(value.parts.some(({ what }) => what === "envelope") ? new SoundView() : new TracesView());
    }
    this.general?.[method]?.(value);
    if (this.general?.draw) soon(this.general.draw);
    for (const view of this.#shown) {
      if (method === "samples" || view.entry.wants.includes(value.kind)) view.take(method, value);
    }
  }
}
