// Where the picture lies among the clusters.

import { PointMap } from "/static/pointmap.js";

export default class ClusterMap {
  constructor() {
    this.map = new PointMap("latent map");
    this.element = this.map.element;
  }

  event({ label, data }) { this.map.add(data.latent, label); }

  draw() { this.map.draw(); }
}
