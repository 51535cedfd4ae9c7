// The page: puts the parts together. The server's state decides what is shown; the page keeps none of its own.

import { Camera } from "/static/camera.js";
import { Chain } from "/static/chain.js";
import { Connection } from "/static/connection.js";
import { element } from "/static/draw.js";
import { Microphone } from "/static/microphone.js";
import { ReportPanel } from "/static/report.js";
import { IdentificationView } from "/static/views/identification.js";
import { SoundView } from "/static/views/sound.js";
import { StripView } from "/static/views/strip.js";
import { TracesView } from "/static/views/traces.js";
import { VideoView } from "/static/views/video.js";

const byId = (id) => document.getElementById(id);
const connection = new Connection(), report = new ReportPanel();
const chain = new Chain((step, values) => { if (running()) connection.say("set", { step, values }); });
let state = { state: "connecting", run: 0, recordings: [] };
let attached = false, shown = null, view = null, camera = null, microphone = null;

const running = () => ["running", "paused"].includes(state.state);
const busy = () => ["starting", "running", "paused", "stopping"].includes(state.state);

function complain(text) {
  byId("error").textContent = text ?? "";
  byId("error").hidden = !text;
}

// ---- The view, by the kind of stream

function viewOf(stream, header) {
  const names = stream.steps.map((step) => step.processor);
  if (stream.gives === "frames") return new VideoView((index) => camera?.drawn(index));
  if (names.includes("ecg")) return new StripView();
  if (names.includes("arx") || names.includes("narx")) return new IdentificationView();
  return header?.parts.some((part) => part.what === "envelope") ? new SoundView() : new TracesView();
}

function look(header) {
  if (shown === state.run && view) return view;
  if (!state.stream?.gives || (state.stream.gives === "samples" && !header)) return null;
  shown = state.run;
  view = viewOf(state.stream, header);
  byId("nothing").hidden = true;
  byId("view").querySelector(".stage")?.remove();
  byId("view").append(element("div", { className: "stage" }, view.element));
  return view;
}

connection.on("samples", (header, packet) => look(header)?.samples(header, packet));
connection.on("frame", (header, packet) => {
  camera?.answered(header.index);
  look(header)?.frame?.(header, packet);
});
connection.on("events", ({ events }) => {
  for (const event of events) {
    if (shown === state.run) view?.event(event);
    report.event(event);
  }
});
connection.on("audio", (header, packet) => microphone?.play(packet.take("f4", packet.rest().byteLength / 4), header.channels));
connection.on("report", ({ report: found }) => report.show(found, camera?.figures() ?? null));

// ---- The state

connection.on("hello", (hello) => {
  attached = hello.attached;
  complain(null);
  chain.offer(hello);
  byId("choice").hidden = attached;
  byId("attached-steps").hidden = !attached;
});

connection.on("state", (now) => {
  const before = state;
  state = now;
  byId("state").textContent = now.state;
  if (now.error) complain(now.error);
  if (now.run !== before.run) complain(now.error);
  byId("start").disabled = busy() || attached;
  byId("stop").disabled = !busy();
  byId("pause").disabled = byId("record").disabled = !running();
  byId("pause").setAttribute("aria-pressed", String(now.state === "paused"));
  byId("pause").textContent = now.state === "paused" ? "Go on" : "Pause";
  byId("record").setAttribute("aria-pressed", String(now.recording));
  byId("record").textContent = now.recording ? "End recording" : "Record";
  byId("recordings").hidden = now.recordings.length === 0;
  byId("downloads").replaceChildren(...now.recordings.map(({ name, bytes }) => element("li", {},
    element("a", { href: `/recordings/${encodeURIComponent(name)}`, download: name, textContent: name }), ` ${(bytes / 1024).toFixed(0)} KiB`)));
  if (attached && now.stream && byId("fixed-steps").children.length === 0) chain.show(now.stream.steps, byId("fixed-steps"));
  if (!attached) chain.lock(busy());
  if (now.state === "running" && byId("listen").checked) connection.say("listen", { on: true });
  if (!busy() && before.state !== now.state) release();
  look();
});

connection.on("refused", ({ why }) => {
  complain(why);
  if (!busy()) release();
});

connection.addEventListener("lost", () => {
  byId("state").textContent = "no connection to the server";
  release();
});

connection.on("toml", ({ text }) => {
  const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "application/toml" })), download: "pipeline.toml" });
  link.click();
  URL.revokeObjectURL(link.href);
});

// ---- The browser's own devices

function release() {
  camera?.close();
  microphone?.close();
  camera = microphone = null;
}

function lost(text) {
  complain(text);
  connection.say("stop");
}

async function farEnd() {
  const local = byId("far-file").files[0];
  if (local) return local.arrayBuffer();
  const name = byId("far").value;
  if (!name) return null;
  const answer = await fetch(`/files/${name.split("/").map(encodeURIComponent).join("/")}`);
  if (!answer.ok) throw new Error(`${name}: ${await answer.text()}`);
  return answer.arrayBuffer();
}

async function start() {
  if (byId("start").disabled) return;
  complain(null);
  byId("start").disabled = true;
  const wish = chain.wish();
  try {
    if (wish.source.startsWith("browser:") && !navigator.mediaDevices) {
      throw new Error("browsers lend camera and microphone only to pages of this machine (localhost) or over HTTPS");
    }
    if (wish.source === "browser:camera") {
      camera = new Camera(connection, lost);
      await camera.open();
    } else if (wish.source === "browser:microphone") {
      microphone = new Microphone(connection, lost);
      wish.rate = await microphone.open(await farEnd());
    }
    connection.say("start", wish);
  } catch (error) {
    complain(error.message || error.name);
    byId("start").disabled = false;
    release();
  }
}

// The microphone's first sample is the stream's: sound before the stream is there would only wait.
connection.on("state", (now) => {
  if (now.state === "running" && microphone && !microphone.begun) {
    microphone.begun = true;
    microphone.begin();
  }
});

byId("start").onclick = start;
byId("stop").onclick = () => connection.say("stop");
byId("pause").onclick = () => connection.say(state.state === "paused" ? "resume" : "pause");
byId("record").onclick = () => connection.say("record", { on: !state.recording });
byId("listen").onchange = () => connection.say("listen", { on: byId("listen").checked });
byId("toml").onclick = () => {
  if (attached) location.assign("/pipeline.toml");
  else connection.say("describe", chain.wish());
};
byId("controls").onsubmit = (event) => event.preventDefault();

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select")) return;
  if (event.key === " " && event.target.closest("button, summary")) return; // which it presses
  const act = { s: () => (busy() ? byId("stop") : byId("start")).click(), " ": () => byId("pause").click(), r: () => byId("record").click() }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

connection.connect();
