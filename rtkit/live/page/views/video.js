// Pictures with what was found in them, and the latent map beside them.

import { canvas, element } from "/static/draw.js";
import { LatentView } from "/static/views/latent.js";

const LABELS = 6;

export class VideoView {
  /** `drawn(index)` is called when a frame is on the screen. */
  constructor(drawn) {
    this.drawn = drawn;
    this.surface = canvas("picture", "processed picture");
    this.list = element("ul", { className: "labels", attributes: { "aria-label": "what was found" } });
    this.latent = new LatentView();
    this.element = element("div", { className: "beside" }, element("div", {}, this.surface), element("div", {}, this.list, this.latent.element));
    this.newest = -1;
  }

  async frame(header, packet) {
    const picture = await createImageBitmap(new Blob([packet.rest()], { type: "image/jpeg" }));
    if (header.index > this.newest || header.index === 0) { // decoding may overtake
      this.newest = header.index;
      if (this.surface.width !== picture.width || this.surface.height !== picture.height) {
        this.surface.width = picture.width;
        this.surface.height = picture.height;
      }
      this.surface.getContext("2d").drawImage(picture, 0, 0);
    }
    picture.close();
    this.drawn(header.index);
  }

  samples() {}

  event(event) {
    this.latent.event(event);
    if (!["class", "cluster", "face", "onnx", "latent"].includes(event.kind)) return;
    const anomaly = event.kind === "latent";
    const rows = event.data.top ?? [[anomaly ? "anomaly" : event.label ?? event.kind, event.score]];
    this.list.replaceChildren(...rows.slice(0, LABELS).map(([name, score]) => {
      const text = score == null ? name : `${name} ${(100 * score).toFixed(0)} %`;
      return element("li", {}, text, element("progress", { max: 1, value: score ?? 0, attributes: { "aria-label": text } }));
    }));
    this.surface.tell(rows.map(([name]) => name)[0] ?? "");
  }
}
