// The browser's camera: frames as JPEG to the server, at most two unanswered.

const WIDTH_PX = 640, HEIGHT_PX = 480, FRAME_RATE_HZ = 30, JPEG_QUALITY = 0.8;
const MAX_UNANSWERED = 2;
const UNSEEN_INTERVAL_MS = 500; // between two frames while nobody sees the page: browsers tell of none then, and a stream without frames would end
const ANSWER_TIMEOUT_MS = 1000; // after which a frame without an answer is given up
const MAX_DELAYS = 300;

export class Camera {
  /** `lost(text)`: the camera went away. */
  constructor(connection, lost) {
    this.connection = connection;
    this.lost = lost;
    this.video = document.createElement("video");
    this.video.muted = true;
    this.video.playsInline = true;
    this.surface = document.createElement("canvas");
    this.sent = new Map(); // index: time of the grab
    this.delays = [];
    this.times = [];
  }

  /** Asks for the camera; throws what the browser says if there is none or it may not be used. */
  async open() {
    const video = { width: { ideal: WIDTH_PX }, height: { ideal: HEIGHT_PX }, frameRate: { ideal: FRAME_RATE_HZ } };
    this.stream = await navigator.mediaDevices.getUserMedia({ video });
    this.stream.getVideoTracks()[0].onended = () => this.lost("the camera went away");
    this.video.srcObject = this.stream;
    await this.video.play();
    this.context = this.surface.getContext("2d", { alpha: false, desynchronized: true });
    this.index = 0;
    this.open_ = true;
    document.addEventListener("visibilitychange", this.#next);
    this.#next();
  }

  #next = () => {
    clearTimeout(this.timer);
    this.video.cancelVideoFrameCallback?.(this.request);
    if (!this.open_) return;
    if (document.hidden) this.timer = setTimeout(this.#grab, UNSEEN_INTERVAL_MS);
    else if (this.video.requestVideoFrameCallback) this.request = this.video.requestVideoFrameCallback(this.#grab);
    else this.timer = setTimeout(this.#grab, 1000 / FRAME_RATE_HZ);
  };

  #grab = () => {
    this.#next();
    const now = performance.now();
    for (const [index, time] of this.sent) if (now - time > ANSWER_TIMEOUT_MS) this.sent.delete(index);
    if (!this.open_ || this.sent.size >= MAX_UNANSWERED) return;
    const index = this.index++;
    this.sent.set(index, now);
    const { videoWidth: width, videoHeight: height } = this.video;
    if (this.surface.width !== width || this.surface.height !== height) { // at first, and when a telephone is turned
      this.surface.width = width;
      this.surface.height = height;
    }
    this.context.drawImage(this.video, 0, 0, this.surface.width, this.surface.height);
    this.surface.toBlob(async (blob) => {
      if (!blob || !this.connection.send(1, index, await blob.arrayBuffer())) this.sent.delete(index);
    }, "image/jpeg", JPEG_QUALITY);
  };

  /** The answer to a frame, and to those before it, is here; it is not on the screen yet. */
  answered(index) {
    for (const [sent, time] of this.sent) {
      if (sent > index) continue;
      if (sent === index) this.grabbed = { index, time };
      this.sent.delete(sent);
    }
  }

  /** A frame is on the screen. */
  drawn(index) {
    const now = performance.now();
    this.times.push(now);
    if (this.grabbed?.index === index) this.delays.push(now - this.grabbed.time);
    if (this.times.length > MAX_DELAYS) this.times.shift();
    if (this.delays.length > MAX_DELAYS) this.delays.shift();
  }

  /** Frames a second, and delays (ms) from the grab to the screen; null before there are some. */
  figures() {
    if (this.times.length < 10 || this.delays.length < 10) return null;
    const sorted = this.delays.toSorted((a, b) => a - b), at = (part) => sorted[Math.floor(part * (sorted.length - 1))];
    return { fps: (1000 * (this.times.length - 1)) / (this.times.at(-1) - this.times[0]), p50: at(0.5), p99: at(0.99) };
  }

  close() {
    this.open_ = false;
    document.removeEventListener("visibilitychange", this.#next);
    this.#next();
    for (const track of this.stream?.getTracks() ?? []) { track.onended = null; track.stop(); }
  }
}
