// How strange the picture is to the network, and where it lies in the latent space.

import { element } from "/static/draw.js";
import { PointMap } from "/static/pointmap.js";

export default class LatentView {
  constructor() {
    this.text = element("span");
    this.bar = element("progress", { max: 1, value: 0, attributes: { "aria-label": "anomaly" } });
    this.map = new PointMap("latent map");
    this.element = element("div", {}, element("p", { className: "reading" }, this.text, this.bar), this.map.element);
  }

  event({ score, data }) {
    this.text.textContent = `anomaly ${(100 * score).toFixed(0)} %`;
    this.bar.value = score;
    this.map.add(data.z, null);
  }

  draw() { this.map.draw(); }
}
