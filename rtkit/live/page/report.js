// The report panel: how fast, how late, what was lost; and the newest events.

import { element } from "/static/draw.js";

const MAX_EVENTS = 50;
const SCREEN = "camera to screen";
const byId = (id) => document.getElementById(id);
const micro = (value) => (value >= 1000 ? `${(value / 1000).toFixed(2)} ms` : `${value.toFixed(1)} µs`);

export class ReportPanel {
  constructor() {
    this.events = []; // texts, the newest last
    this.left = 0;
    byId("all-events").ontoggle = () => this.#list();
  }

  /** A stream begins: what was found in the one before is of no use. */
  begin() {
    this.events = [];
    this.left = 0;
    this.#list();
  }

  /** Shows a report, with what this page measured of its camera (or null). */
  show(report, camera) {
    const counted = Object.entries(report.counts).map(([place, counts]) => `${place}: ${Object.entries(counts).map(([what, count]) => `${what} ${count}`).join(", ")}`);
    const figures = {
      "stream time": `${report.stream_s.toFixed(1)} s`,
      "real-time factor": report.stream_s ? report.real_time_factor.toFixed(3) : "–",
      "lost": String(report.drops),
      "deadlines missed": String(report.deadline_misses),
      "events": String(report.events),
      "delay": report.latency_ms.total === undefined ? "–" : `${report.latency_ms.total.toFixed(1)} ms`,
    };
    const panel = byId("report");
    for (const name of ["fps", "p50Ms", "p99Ms"]) delete panel.dataset[name];
    if (camera) {
      figures["frames a second"] = camera.fps.toFixed(1);
      figures[SCREEN] = `p50 ${camera.p50.toFixed(0)}, p99 ${camera.p99.toFixed(0)} ms`;
      Object.assign(panel.dataset, { fps: camera.fps.toFixed(2), p50Ms: camera.p50.toFixed(1), p99Ms: camera.p99.toFixed(1) });
    }
    byId("figures").replaceChildren(...Object.entries(figures).map(([name, value]) => element("div", { className: name === SCREEN ? "wide" : "" }, element("dt", { textContent: name }), element("dd", { textContent: value }))));
    byId("counted").textContent = counted.join("; ");
    const table = byId("times");
    table.hidden = report.steps.length === 0;
    table.tBodies[0].replaceChildren(...report.steps.map((step) => element("tr", {},
      element("td", { textContent: step.name }), ...[step.p50_us, step.p99_us, step.max_us].map((value) => element("td", { textContent: micro(value) })))));
    this.#list();
  }

  event(event) {
    const score = event.score == null ? "" : ` ${event.score.toFixed(2)}`;
    const data = JSON.stringify(event.data);
    const text = `${event.time.toFixed(2)} s ${event.kind} ${event.label ?? ""}${score} ${data.length > 160 ? `${data.slice(0, 160)}…` : data}`;
    this.events.push(text);
    if (this.events.length > MAX_EVENTS) this.events.shift();
  }

  /** So many events were left out, as they were more than the page is told. */
  skipped(count) { this.left += count; }

  /** The list, when somebody sees it. */
  #list() {
    if (!byId("all-events").open) return;
    byId("events").replaceChildren(...this.events.toReversed().map((text) => element("li", { textContent: text })));
    byId("left-out").textContent = this.left ? `${this.left} were left out: they came faster than a page is told.` : "";
  }
}
