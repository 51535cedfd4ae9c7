// The page: puts the parts together. The server's state decides what is shown; the page keeps none of its own.

import { Camera } from "/static/camera.js";
import { Chain } from "/static/chain.js";
import { Connection } from "/static/connection.js";
import { element } from "/static/draw.js";
import { Microphone } from "/static/microphone.js";
import { ReportPanel } from "/static/report.js";
import { Stage } from "/static/stage.js";

const byId = (id) => document.getElementById(id);
const connection = new Connection(), report = new ReportPanel();
const chain = new Chain((step, values) => { if (running()) connection.say("set", { step, values }); });
let state = { state: "connecting", run: 0, recordings: [] };
let attached = false, views = []; // that plug-ins have
let stage = null, shown = null; // what is seen, and of which stream
let camera = null, microphone = null; // of this browser, while they are open
let opening = false; // they are being opened
let asked = null; // number of the last stream when the server was asked for another, until it answers
let leaving = null;

const running = () => ["running", "paused"].includes(state.state);
const busy = () => ["starting", "running", "paused", "stopping"].includes(state.state);

function complain(text) {
  byId("error").textContent = text ?? "";
  byId("error").hidden = !text;
}

// ---- The stage

/** The stage of the present stream; null before it is known what flows. */
function stageOf() {
  if (shown === state.run || !state.stream?.gives) return shown === state.run ? stage : null;
  shown = state.run;
  byId("nothing").hidden = true;
  stage?.element.remove();
  stage = new Stage(state.stream, views, { drawn: (index) => camera?.drawn(index), complain });
  byId("view").append(stage.element);
  return stage;
}

connection.on("samples", (packet) => stageOf()?.samples(packet));
connection.on("frame", (header, jpeg) => {
  camera?.answered(header.index);
  stageOf()?.frame(header, jpeg);
});
connection.on("events", ({ events, skipped }) => {
  report.skipped(skipped);
  for (const event of events) {
    stageOf()?.event(event);
    report.event(event);
  }
});
connection.on("audio", (header, bytes) => {
  if (header.rate === microphone?.rate) microphone.play(new Float32Array(bytes.slice().buffer), header.channels);
  else if (microphone) complain(`the processed sound has ${header.rate} Hz, this page plays ${microphone.rate} Hz; it cannot be heard`);
});
connection.on("report", ({ report: found }) => report.show(found, camera?.figures() ?? null));

// ---- The state

connection.on("hello", (hello) => {
  attached = hello.attached;
  views = hello.views;
  complain(null);
  chain.offer(hello, attached ? byId("fixed-steps") : byId("steps"));
  byId("choice").hidden = attached;
  byId("attached-steps").hidden = !attached;
});

/** The buttons that make sense now; none before the server has told its state. */
function offer() {
  byId("start").disabled = state.state === "connecting" || busy() || attached || opening || asked !== null;
  byId("stop").disabled = !busy();
  byId("pause").disabled = byId("record").disabled = !running();
  byId("toml").disabled = !connection.open;
}

connection.on("state", (now) => {
  const before = state;
  state = now;
  clearTimeout(leaving);
  leaving = null;
  if (now.run !== asked && now.state !== "starting") asked = null; // while it starts it may be another page's, and this one's be refused
  byId("state").textContent = now.state;
  if (now.error) complain(now.error);
  if (now.run !== before.run) {
    complain(now.error);
    report.begin();
  }
  offer();
  byId("pause").setAttribute("aria-pressed", String(now.state === "paused"));
  byId("pause").textContent = now.state === "paused" ? "Go on" : "Pause";
  byId("record").setAttribute("aria-pressed", String(now.recording));
  byId("record").textContent = now.recording ? "End recording" : "Record";
  byId("recordings").hidden = now.recordings.length === 0;
  byId("downloads").replaceChildren(...now.recordings.map(({ name, bytes }) => element("li", {},
    element("a", { href: `/recordings/${encodeURIComponent(name)}`, download: name, textContent: name }), ` ${(bytes / 1024).toFixed(0)} KiB`)));
  if (now.stream && (attached || busy())) chain.follow(now.stream);
  if (!attached) chain.lock(busy());
  if (now.state === "running" && byId("listen").checked) connection.say("listen", { on: true });
  if (!busy() && before.state !== now.state && !opening) release();
  stageOf();
});

connection.on("refused", ({ why }) => {
  complain(why);
  if (asked !== null || !busy()) release(); // another page may have been faster
  asked = null;
  offer();
});

connection.addEventListener("lost", () => {
  state = { ...state, state: "connecting" };
  asked = null;
  byId("state").textContent = "no connection to the server";
  offer();
  leaving ??= setTimeout(release, RELEASE_TIMEOUT_MS);
});

connection.on("toml", ({ text }) => {
  const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "application/toml" })), download: "pipeline.toml" });
  link.click();
  URL.revokeObjectURL(link.href);
});

// ---- The browser's own devices

/** Time after which camera and microphone are let go if the connection does not come back; the server waits as long for them. */
const RELEASE_TIMEOUT_MS = 10000;

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
  opening = true;
  offer();
  const request = chain.request();
  try {
    if (request.source.startsWith("browser:") && !navigator.mediaDevices) {
      throw new Error("browsers lend camera and microphone only to pages of this machine (localhost) or over HTTPS");
    }
    if (request.source === "browser:camera") {
      camera = new Camera(connection, lost);
      await camera.open();
    } else if (request.source === "browser:microphone") {
      microphone = new Microphone(connection, lost);
      request.rate = await microphone.open(await farEnd(), byId("far-again").checked);
    }
    if (!connection.open) throw new Error("no connection to the server");
    asked = state.run;
    connection.say("start", request);
  } catch (error) {
    complain(error.message || error.name);
    release();
  } finally {
    opening = false;
    offer();
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
  else connection.say("describe", chain.request());
};
byId("controls").onsubmit = (event) => event.preventDefault();

document.addEventListener("keydown", (event) => {
  if (!byId("keys").checked || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select")) return;
  if (event.key === " " && event.target.closest("button, summary")) return; // which it presses
  const act = { s: () => (busy() ? byId("stop") : byId("start")).click(), " ": () => byId("pause").click(), r: () => byId("record").click() }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

window.addEventListener("resize", () => stage?.draw());
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => stage?.draw());
connection.connect();
