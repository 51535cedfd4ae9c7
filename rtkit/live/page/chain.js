// What to run: the source, the chain of processors, and their parameters.

import { element } from "/static/draw.js";

const byId = (id) => document.getElementById(id);
let unique = 0;

/** An input for a parameter, and what it holds: undefined where nothing was chosen. */
function field(parameter) {
  const id = `parameter-${unique++}`, shown = parameter.default;
  const offered = parameter.type === "bool" && parameter.optional ? ["true", "false"] : parameter.choices;
  let input;
  if (parameter.type === "bool" && !parameter.optional) {
    input = element("input", { id, type: "checkbox", checked: Boolean(shown) });
  } else if (offered.length) {
    const choices = parameter.optional ? ["none", ...offered] : offered;
    input = element("select", { id }, ...choices.map((choice) => element("option", { value: choice, textContent: choice })));
    input.value = String(shown ?? "none");
  } else if (parameter.type === "str") {
    input = element("input", { id, type: "text", value: shown ?? "", placeholder: parameter.required ? "required" : "none", required: parameter.required });
  } else {
    const step = parameter.type === "int" ? 1 : "any";
    input = element("input", { id, type: "number", step, min: parameter.low ?? "", max: parameter.high ?? "", value: shown ?? "", placeholder: parameter.optional ? "none" : "" });
  }
  input.name = parameter.name;
  const read = () => {
    if (input.type === "checkbox") return input.checked;
    if (input.value === "" || (parameter.optional && input.value === "none")) return parameter.optional ? null : undefined;
    if (parameter.type === "bool") return input.value === "true";
    return parameter.type === "int" || parameter.type === "float" ? Number(input.value) : input.value;
  };
  const name = element("label", { htmlFor: id, textContent: parameter.name });
  if (parameter.live) name.append(" ", element("span", { className: "live-mark", textContent: "live" }));
  const doc = element("p", { className: "doc", id: `${id}-doc`, textContent: [parameter.expects, parameter.doc].filter(Boolean).join(". ") });
  input.setAttribute("aria-describedby", doc.id);
  return { parameter, input, read, element: element("div", {}, name, input, doc) };
}

/** One processor of the chain. */
class Step {
  constructor(processor, chain) {
    this.processor = processor;
    this.fields = processor.parameters.map((parameter) => field(parameter));
    const button = (text, what, act) => element("button", { type: "button", textContent: text, title: `${what} ${processor.name}`, attributes: { "aria-label": `${what} ${processor.name}` }, onclick: act });
    this.buttons = [button("↑", "move up", () => chain.move(this, -1)), button("↓", "move down", () => chain.move(this, 1)), button("×", "remove", () => chain.remove(this))];
    this.element = element("li", { className: "step" },
      element("div", { className: "row" }, element("span", { className: "name", textContent: processor.name, title: processor.summary }), ...this.buttons));
    if (this.fields.length) {
      this.element.append(element("details", {}, element("summary", { textContent: "parameters" }), ...this.fields.map((each) => each.element)));
    }
    for (const { parameter, input, read } of this.fields) {
      input.addEventListener("change", () => { if (parameter.live) chain.changed(this, parameter.name, read()); });
    }
  }

  /** Shows these values, and the defaults of the others; of a locked step, those that can still change. */
  show(values, all) {
    for (const { parameter, input } of this.fields) {
      if ((!all && !parameter.live) || document.activeElement === input) continue;
      const value = values[parameter.name] ?? (parameter.name in values ? null : parameter.default);
      if (input.type === "checkbox") input.checked = Boolean(value);
      else input.value = String(value ?? (input.tagName === "SELECT" ? "none" : ""));
    }
  }

  /** What differs from the defaults. */
  values() {
    const chosen = this.fields.map(({ parameter, read }) => [parameter, read()]).filter(([parameter, value]) => value !== undefined && value !== parameter.default);
    return Object.fromEntries(chosen.map(([parameter, value]) => [parameter.name, value]));
  }

  lock(locked) {
    for (const button of this.buttons) button.disabled = locked;
    for (const { parameter, input } of this.fields) input.disabled = locked && !parameter.live;
  }
}

export class Chain {
  /** `changed(index, values)`: a live parameter was changed. */
  constructor(changed) {
    this.steps = [];
    this.told = changed;
    byId("add-processor").onclick = () => this.add(byId("processor").value);
    byId("source").onchange = () => this.#offer();
  }

  /** Takes what the server has to offer, and the list to show steps in; keeps what was chosen before. */
  offer({ processors, sources, files }, list) {
    this.list = list;
    this.processors = processors;
    this.sources = sources;
    this.files = files;
    const select = byId("source"), before = select.value;
    const titles = { browser: "This browser", devices: "Devices of the server", files: "Files of the server" };
    select.replaceChildren(...Object.entries(titles).map(([group, label]) => element("optgroup", { label },
      ...sources.filter((source) => source.group === group).map((source) => element("option", { value: source.name, textContent: source.label })))));
    if (sources.some((source) => source.name === before)) select.value = before;
    this.#offer();
  }

  get source() { return this.sources.find((source) => source.name === byId("source").value); }

  get playsFar() { return this.source?.name === "browser:microphone"; }

  /** Whether the source may run at the pace of the clock or faster. */
  get paced() { return this.source !== undefined && !this.source.live; }

  #offer() {
    const { source } = this, far = byId("far");
    const besides = this.sources.filter((each) => source?.group === "devices" && each.group === "devices" && each.far).map((each) => each.name);
    const choices = this.playsFar ? this.files : source?.far ? [...besides, ...this.files].filter((name) => name !== source.name) : [];
    byId("far-choice").hidden = !this.playsFar && choices.length === 0;
    far.replaceChildren(element("option", { value: "", textContent: this.playsFar ? "nothing" : "none" }), ...choices.map((name) => element("option", { value: name, textContent: name })));
    byId("far-local").hidden = !this.playsFar;
    byId("listen-choice").hidden = !this.playsFar;
    byId("realtime-choice").hidden = !this.paced;
    const fitting = this.processors.filter((processor) => source?.gives === "either" || processor.takes === source?.gives);
    byId("processor").replaceChildren(...fitting.map((processor) => element("option", { value: processor.name, textContent: `${processor.name}: ${processor.summary}` })));
    for (const step of this.steps.filter((step) => !fitting.includes(step.processor))) this.remove(step);
  }

  add(name) {
    const processor = this.processors.find((each) => each.name === name);
    if (!processor) return;
    const step = new Step(processor, this);
    this.steps.push(step);
    this.#show();
  }

  remove(step) {
    const focused = step.element.contains(document.activeElement);
    this.steps = this.steps.filter((each) => each !== step);
    this.#show();
    if (focused) byId("add-processor").focus(); // what had the focus is gone
  }

  move(step, by) {
    const at = this.steps.indexOf(step), to = at + by;
    if (to < 0 || to >= this.steps.length) return;
    [this.steps[at], this.steps[to]] = [this.steps[to], this.steps[at]];
    this.#show();
    step.buttons[by < 0 ? 0 : 1].focus();
  }

  changed(step, name, value) {
    if (value !== undefined) this.told(this.steps.indexOf(step), { [name]: value });
  }

  #show() {
    this.steps.forEach((step, index) => { step.element.dataset.index = index; });
    this.list.replaceChildren(...this.steps.map((step) => step.element));
  }

  /** What `start` and `describe` say of the stream. */
  request() {
    const far = byId("far").value;
    return {
      source: byId("source").value,
      far: this.playsFar || far === "" || byId("far-choice").hidden ? null : far,
      steps: this.steps.map((step) => ({ processor: step.processor.name, values: step.values() })),
      realtime: byId("realtime").checked && this.paced,
    };
  }

  lock(locked) {
    for (const id of ["source", "far", "far-file", "far-again", "realtime", "processor", "add-processor"]) byId(id).disabled = locked;
    for (const step of this.steps) step.lock(locked);
  }

  /** Shows what runs: the steps of a stream that was started elsewhere, and live parameters that were changed there. */
  follow({ source, far, steps }) {
    const strange = steps.length !== this.steps.length || steps.some((step, index) => step.processor !== this.steps[index].processor.name);
    if (strange) {
      if (this.sources.some((each) => each.name === source)) {
        byId("source").value = source;
        this.#offer();
        if (far) byId("far").value = far;
      }
      this.steps = steps.map(({ processor: name }) => new Step(this.processors.find((each) => each.name === name) ?? { name, summary: "", parameters: [] }, this));
      this.#show();
    }
    steps.forEach(({ values }, index) => {
      this.steps[index].show(values, strange);
      this.steps[index].lock(true);
    });
  }
}
