// The WebSocket to the server: JSON both ways, packets from there, bytes to there. It comes back by itself.

const RETRY_INTERVALS_MS = [1000, 2000, 4000, 8000, 10000];
const MAX_UNSENT_BYTES = 1e6;

/** Splits a packet into its header, whose `parts` then have their arrays as `values`, and the bytes behind it. */
function open(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  const types = { f4: Float32Array, u1: Uint8Array };
  for (const part of header.parts ?? []) {
    const type = types[part.dtype], count = part.shape.reduce((product, size) => product * size, 1), size = count * type.BYTES_PER_ELEMENT;
    part.values = at % type.BYTES_PER_ELEMENT ? new type(buffer.slice(at, at + size)) : new type(buffer, at, count); // numbers begin at whole places
    at += size;
  }
  return { header, bytes: new Uint8Array(buffer, at) };
}

export class Connection extends EventTarget {
  #socket = null;
  #attempt = 0;

  /** Connects, and again whenever the connection is lost. Events: `open`, `lost`, and each message by its `is`. */
  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.#socket = new WebSocket(`${scheme}://${location.host}/ws${location.search}`);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => { this.#attempt = 0; };
    this.#socket.onmessage = ({ data }) => {
      const message = typeof data === "string" ? { header: JSON.parse(data) } : open(data);
      this.dispatchEvent(new CustomEvent(message.header.is, { detail: message }));
    };
    this.#socket.onclose = () => {
      this.dispatchEvent(new Event("lost"));
      setTimeout(() => this.connect(), RETRY_INTERVALS_MS[Math.min(this.#attempt++, RETRY_INTERVALS_MS.length - 1)]);
    };
  }

  get open() { return this.#socket.readyState === WebSocket.OPEN; }

  /** Calls `handle(header, bytes)` for each message of a kind. */
  on(kind, handle) {
    this.addEventListener(kind, ({ detail }) => handle(detail.header, detail.bytes));
  }

  /** Sends a message. */
  say(what, values = {}) {
    if (this.open) this.#socket.send(JSON.stringify({ do: what, ...values }));
  }

  /** Sends bytes of a kind (1: a frame, 2: sound); false if the line is busy or gone. */
  send(kind, index, content) {
    if (!this.open || this.#socket.bufferedAmount > MAX_UNSENT_BYTES) return false;
    const message = new Uint8Array(5 + content.byteLength);
    const view = new DataView(message.buffer);
    view.setUint8(0, kind);
    view.setUint32(1, index, true);
    message.set(new Uint8Array(content), 5);
    this.#socket.send(message);
    return true;
  }
}
