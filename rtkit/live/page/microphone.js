// The browser's microphone as near end, and what this page plays as far end.

const RATE_HZ = 16000; // asked for: enough for speech, and cheap

export class Microphone {
  /** `lost(text)`: the microphone went away. */
  constructor(connection, lost) {
    this.connection = connection;
    this.lost = lost;
  }

  /** Asks for the microphone. `far`: bytes of a sound file to play, or null; `again`: over and over. Throws what the browser says. Call `begin` afterwards. */
  async open(far, again) {
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
    try {
      this.context = new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive" });
      await this.#connect(audio, far, again);
    } catch (error) {
      if (error.name !== "NotSupportedError") throw error; // a browser that does not resample the microphone
      await this.context.close();
      this.context = new AudioContext({ latencyHint: "interactive" });
      await this.#connect(audio, far, again);
    }
    return this.rate;
  }

  async #connect(audio, far, again) {
    await this.context.audioWorklet.addModule("/static/worklet.js");
    const sound = far === null ? null : await this.context.decodeAudioData(far.slice(0));
    this.stream ??= await navigator.mediaDevices.getUserMedia({ audio });
    this.stream.getAudioTracks()[0].onended = () => this.lost("the microphone went away");
    this.ends = new AudioWorkletNode(this.context, "ends", { numberOfInputs: 2, outputChannelCount: [1], channelCount: 1, channelCountMode: "explicit" });
    this.context.createMediaStreamSource(this.stream).connect(this.ends, 0, 0);
    this.ends.connect(this.context.destination);
    if (sound !== null) {
      this.player = this.context.createBufferSource();
      this.player.buffer = sound;
      this.player.loop = again;
      this.player.connect(this.ends, 0, 1);
    }
  }

  /** Sends from now on, and plays the far end. */
  async begin() {
    let index = 0;
    this.ends.port.onmessage = ({ data }) => {
      this.connection.send(2, index >>> 0, data);
      index += data.byteLength / 8;
    };
    await this.context.resume();
    this.player?.start();
  }

  /** Samples a second, of what is sent and of what can be played. */
  get rate() { return this.context.sampleRate; }

  /** Plays processed sound: interleaved samples. */
  play(samples, channels) {
    const first = channels === 1 ? samples.slice() : samples.filter((_, place) => place % channels === 0);
    this.ends?.port.postMessage(first, [first.buffer]);
  }

  close() {
    for (const track of this.stream?.getTracks() ?? []) { track.onended = null; track.stop(); }
    this.context?.close();
  }
}
