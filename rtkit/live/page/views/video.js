// Pictures, and what was found in them.

import { canvas, element, soon } from "/static/draw.js";

const MAX_LABELS = 6; // of a kind
const OLD_S = 1; // after which it is told how long ago something was found

/** What an event says as rows of a name and a part of 1 (or null); null if it is nothing to list. */
function rows({ label, score, data }) {
  return data.top ?? (label == null ? null : [[label, score]]);
}

export class VideoView {
  /** `drawn(index)` is called when a frame is on the screen. */
  constructor(drawn) {
    this.drawn = drawn;
    this.surface = canvas("picture", "processed picture");
    this.list = element("div", { className: "labels" });
    this.beside = element("div"); // where views of plug-ins stand
    this.element = element("div", { className: "beside" }, element("div", {}, this.surface), element("div", {}, this.list, this.beside));
    this.newest = -1;
    this.now = 0;
    this.groups = new Map(); // what was found last, by kind; in one frame there may be several
  }

  async frame(header, jpeg) {
    const picture = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
    if (header.index > this.newest || header.index === 0) { // decoding may overtake
      this.newest = header.index;
      if (this.surface.width !== picture.width || this.surface.height !== picture.height) {
        this.surface.width = picture.width;
        this.surface.height = picture.height;
      }
      this.surface.getContext("2d").drawImage(picture, 0, 0);
      if (Math.floor(header.time) !== Math.floor(this.now)) soon(this.draw); // it has grown older
      this.now = header.time;
    }
    picture.close();
    this.drawn(header.index);
  }

  event(event) {
    const found = rows(event);
    if (found === null) return;
    const group = this.groups.get(event.kind);
    if (group?.time === event.time) group.rows.push(...found);
    else this.groups.set(event.kind, { time: event.time, rows: [...found] });
    this.surface.tell(found[0]?.[0] ?? "");
  }

  draw = () => {
    this.list.replaceChildren(...[...this.groups].flatMap(([kind, { time, rows }]) => {
      const age = Math.floor(this.now - time), when = age > OLD_S ? `, ${age} s ago` : "";
      const items = rows.slice(0, MAX_LABELS).map(([name, score]) => {
        const text = score == null ? name : `${name} ${(100 * score).toFixed(0)} %`;
        return element("li", {}, text, element("progress", { max: 1, value: score ?? 0, attributes: { "aria-label": text } }));
      });
      return [element("h3", { textContent: kind + when }), element("ul", { attributes: { "aria-label": kind } }, ...items)];
    }));
  };
}
