// Pictures with what was found in them, and the latent map beside them.

import { canvas, element, soon } from "/static/draw.js";
import { LatentView } from "/static/views/latent.js";

const LABELS = 6; // of a kind
const OLD = 1; // s after which it is told how long ago something was found

/** What an event says as rows of a name and a part of 1 (or null); null if it is nothing to list. */
function rows({ kind, label, score, data }) {
  if (!["class", "cluster", "face", "onnx", "latent"].includes(kind)) return null;
  return data.top ?? [[kind === "latent" ? "anomaly" : label ?? kind, score]];
}

export class VideoView {
  /** `drawn(index)` is called when a frame is on the screen. */
  constructor(drawn) {
    this.drawn = drawn;
    this.surface = canvas("picture", "processed picture");
    this.list = element("div", { className: "labels" });
    this.latent = new LatentView();
    this.element = element("div", { className: "beside" }, element("div", {}, this.surface), element("div", {}, this.list, this.latent.element));
    this.newest = -1;
    this.now = 0;
    this.groups = new Map(); // what was found last, by kind; in one frame there may be several
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
      if (Math.floor(header.time) !== Math.floor(this.now)) soon(this.#list); // it has grown older
      this.now = header.time;
    }
    picture.close();
    this.drawn(header.index);
  }

  samples() {}

  event(event) {
    this.latent.event(event);
    const found = rows(event);
    if (found === null) return;
    const group = this.groups.get(event.kind);
    if (group?.time === event.time) group.rows.push(...found);
    else this.groups.set(event.kind, { time: event.time, rows: [...found] });
    this.surface.tell(found[0]?.[0] ?? "");
    soon(this.#list);
  }

  #list = () => {
    this.list.replaceChildren(...[...this.groups].flatMap(([kind, { time, rows }]) => {
      const age = Math.floor(this.now - time), when = age > OLD ? `, ${age} s ago` : "";
      const items = rows.slice(0, LABELS).map(([name, score]) => {
        const text = score == null ? name : `${name} ${(100 * score).toFixed(0)} %`;
        return element("li", {}, text, element("progress", { max: 1, value: score ?? 0, attributes: { "aria-label": text } }));
      });
      return [element("h3", { textContent: kind + when }), element("ul", { attributes: { "aria-label": kind } }, ...items)];
    }));
  };
}
