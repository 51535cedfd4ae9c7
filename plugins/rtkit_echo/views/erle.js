// The echo: its return loss enhancement over time, and what the canceller tells of delay and drift.

import { bounds, canvas, clear, colour, element, label } from "/static/draw.js";

const SHOWN_S = 60;
const STEP_DB = 10; // between two lines

export default class ErleView {
  constructor() {
    this.caption = element("figcaption", { textContent: "echo return loss enhancement (ERLE)" });
    this.chart = canvas("plot", "echo return loss enhancement over the last minute");
    this.element = element("figure", {}, this.caption, this.chart);
    this.points = [];
  }

  event({ time, label: state, data }) {
    this.points.push([time, data.erle_db ?? 0]);
    while (this.points[0][0] < time - SHOWN_S) this.points.shift();
    const more = [data.delay_ms === undefined ? "" : `delay ${data.delay_ms} ms`, data.drift_ppm === undefined ? "" : `drift ${data.drift_ppm} ppm`];
    this.caption.textContent = [`ERLE ${data.erle_db} dB`, state, ...more].filter(Boolean).join(", ");
    this.chart.tell(this.caption.textContent);
  }

  draw() {
    const { context, width, height } = clear(this.chart);
    const [, high] = bounds(0, this.points.length, [(place) => this.points[place][1]]);
    const top = Math.max(STEP_DB, Math.ceil(high / STEP_DB) * STEP_DB), now = this.points.at(-1)[0];
    for (let level = 0; level <= top; level += STEP_DB) {
      const y = height - 4 - (level / top) * (height - 8);
      context.fillStyle = colour("--line");
      context.fillRect(0, y, width, 1);
      label(context, `${level} dB`, 4, Math.max(y - 3, 12));
    }
    context.beginPath();
    for (const [time, value] of this.points) context.lineTo(width - ((now - time) / SHOWN_S) * width, height - 4 - (Math.max(value, 0) / top) * (height - 8));
    context.strokeStyle = colour("--after");
    context.lineWidth = 2;
    context.stroke();
    label(context, `the last ${SHOWN_S} s`, width - 80, height - 8);
  }
}
