// In the audio thread: what the microphone hears and what the page plays go out side by side; processed sound comes in and is played.

const BLOCK_SAMPLES = 256; // of a message: 16 ms at 16 kHz
const MIN_WAITING_S = 0.06, MAX_WAITING_S = 0.4; // of processed sound, before it is played, and at most

class Ends extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(2 * BLOCK_SAMPLES);
    this.filled = 0;
    this.queue = [];
    this.waiting = 0;
    this.place = 0;
    this.playing = false;
    this.port.onmessage = ({ data }) => {
      this.queue.push(data);
      this.waiting += data.length;
      while (this.waiting > MAX_WAITING_S * sampleRate) this.#drop();
      if (this.waiting > MIN_WAITING_S * sampleRate) this.playing = true;
    };
  }

  #drop() {
    this.waiting -= this.queue.shift().length - this.place;
    this.place = 0;
  }

  #processed() {
    if (!this.playing) return 0;
    if (this.queue.length === 0) { this.playing = false; return 0; }
    const value = this.queue[0][this.place++];
    this.waiting--;
    if (this.place === this.queue[0].length) { this.queue.shift(); this.place = 0; }
    return value;
  }

  process([microphone, far], [output]) {
    const near = microphone[0], played = far[0];
    for (let n = 0; n < output[0].length; n++) {
      const sound = (played ? played[n] : 0) + this.#processed();
      for (const channel of output) channel[n] = sound;
      this.block[2 * this.filled] = near ? near[n] : 0;
      this.block[2 * this.filled + 1] = sound;
      if (++this.filled === BLOCK_SAMPLES) {
        this.port.postMessage(this.block.buffer, [this.block.buffer]);
        this.block = new Float32Array(2 * BLOCK_SAMPLES);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("ends", Ends);
