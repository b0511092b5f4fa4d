// The try-it panel: says what will happen, sends through the gateway, shows what came back.
import { remaining } from "./remaining.js";
import { readRequest } from "./try/request.js";
import { samples } from "./try/samples.js";
import { bytes, element, findingRow, hop, showBody, showContract, showHeaders } from "./try/answer.js";

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

class Panel {
  constructor(form) {
    this.form = form;
    this.data = form.dataset;
    this.answer = document.querySelector("[data-answer]");
    this.headers = { "X-CSRFToken": form.querySelector("[name=csrfmiddlewaretoken]").value };
    this.controller = null;
    this.checking = 0;
    form.addEventListener("input", () => this.changed());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form.isConnected) this.send();
    });
    this.find("cancel").addEventListener("click", () => this.controller?.abort());
    this.find("media")?.addEventListener("change", () => this.chooseBody());
    this.find("tidy")?.addEventListener("click", () => this.tidy());
    this.find("reset")?.addEventListener("click", () => this.chooseBody());
    this.chooseBody({ keep: true });
    this.changed();
    this.showQuota();
    this.showLease();
  }

  find(name) {
    return this.form.querySelector(`[data-${name}]`);
  }

  part(name) {
    return this.answer.querySelector(`[data-answer-${name}]`);
  }

  say(text) {
    this.find("state").textContent = text;
  }

  // --- Before Send -----------------------------------------------------------------------------------------------

  chooseBody({ keep = false } = {}) {
    const option = this.find("media")?.selectedOptions[0];
    if (!option) return;
    const kind = option.dataset.kind;
    if (!keep) this.find("body").value = option.dataset.example;
    this.find("body").hidden = kind === "file";
    this.find("file").hidden = kind !== "file";
    this.find("form-note").hidden = kind !== "form";
    if (!keep) this.changed();
  }

  tidy() {
    const area = this.find("body");
    try {
      area.value = JSON.stringify(JSON.parse(area.value), null, 2);
    } catch (error) {
      this.say(`Not JSON: ${error.message}`);
    }
    this.changed();
  }

  changed() {
    this.request = readRequest(this.form);
    const target = this.data.target ? this.data.target + this.request.address : "";
    const shown = this.find("url");
    if (shown) shown.lastChild.textContent = ` ${target}`;
    const url = target || `${location.origin}${this.data.gateway}${this.request.address}`;
    for (const sample of this.form.querySelectorAll("[data-sample]")) sample.textContent = samples[sample.dataset.sample](this.request, url);
    this.showSize();
    this.wrong("body");
    this.wrong("confirm");
    this.showFindings(this.request.problems);
    clearTimeout(this.checking);
    this.checking = setTimeout(() => this.check(), 350);
  }

  showSize() {
    const size = this.request.body?.size ?? 0;
    this.tooLarge = size > Number(this.data.limit);
    const field = this.find("size");
    if (!field) return;
    field.textContent = bytes(size);
    field.classList.toggle("status-bad", this.tooLarge);
  }

  showFindings(findings) {
    const list = this.find("findings");
    const rows = findings.map((finding) => findingRow(finding, this.data.schemas));
    if (this.tooLarge) rows.push(findingRow({ location: "body", message: "is larger than 512 KB and would be refused" }, this.data.schemas));
    list.replaceChildren(...rows);
    if (this.controller || this.data.refused !== "0") return;
    this.say(rows.length ? `${rows.length} finding${rows.length === 1 ? "" : "s"} to mend first` : "");
  }

  // Ask the portal whether this would match the document. Nothing is sent to the platform.
  async check() {
    const request = this.request;
    if (request.problems.length || request.body?.multipart || request.body?.file || this.tooLarge) return;
    const query = {};
    for (const [name, value] of request.query) (query[name] ??= []).push(value);
    const headers = Object.fromEntries(request.headers);
    let body = null;
    if (request.body) {
      headers["Content-Type"] = request.body.media;
      body = request.body.media.includes("json") ? JSON.parse(request.body.text) : request.body.text;
    }
    const { environment, api, operation } = this.data;
    const question = { environment, api, operation, part: "request", path: request.pathValues, query, headers, body };
    const response = await this.ask("/api/v1/validate", { method: "POST", body: JSON.stringify(question) });
    if (response && request === this.request) this.showFindings(response.errors ?? []);
  }

  async ask(address, options = {}) {
    try {
      const response = await fetch(address, { ...options, headers: { ...this.headers, Accept: "application/json", "Content-Type": "application/json" } });
      return response.ok ? await response.json() : null;
    } catch {
      return null; // a hint that cannot be had is left out; sending still says everything
    }
  }

  async showQuota() {
    const quota = await this.ask(`/api/v1/quota?environment=${encodeURIComponent(this.data.environment)}`);
    if (!quota?.person) return;
    const { remaining, limit, reset, seconds } = quota.person;
    const unit = seconds === 60 ? "this minute" : `in ${seconds} s`;
    this.find("quota").textContent = `${remaining} of ${limit} left ${unit}${remaining < limit && reset > 0 ? ` · full again in ${Math.ceil(reset)} s` : ""}`;
    const meter = this.find("quota-meter");
    meter.max = limit;
    meter.value = remaining;
    meter.classList.toggle("meter-bad", remaining === 0);
    meter.classList.toggle("meter-warning", remaining > 0 && remaining <= limit / 5);
  }

  async showLease() {
    if (!this.data.target || this.data.refused !== "0") return;
    const leases = await this.ask("/api/v1/tokens");
    const now = Date.now();
    const live = (leases?.results ?? []).filter(
      (one) => one.environment === this.data.environment && one.platform === this.data.platform && Date.parse(one.expires_at) > now && !one.ended_at && !one.revoked_at,
    );
    const wanted = this.data.scopes ? this.data.scopes.split(" ") : [];
    const fitting = live.find((one) => wanted.every((scope) => (one.scopes ?? []).includes(scope)));
    if (!fitting) return;
    const countdown = element("time");
    countdown.dateTime = fitting.expires_at;
    countdown.dataset.countdown = "";
    countdown.textContent = remaining(Math.floor((Date.parse(fitting.expires_at) - now) / 1000));
    this.find("lease").replaceChildren("your live token · ", element("code", fitting.scopes.join(" ") || "no scopes"), " · ", countdown);
  }

  // --- Send ------------------------------------------------------------------------------------------------------

  async send() {
    if (this.controller || this.find("send").disabled) return;
    const request = this.request;
    const confirm = this.find("confirm");
    this.markPrevious("From the call before.");
    if (request.problems.length) {
      this.refuse(request.problems);
      return;
    }
    if (confirm && confirm.value !== this.data.environment) {
      this.wrong("confirm", `Nothing was sent. Type “${this.data.environment}” here to send it${confirm.value ? `; it says “${confirm.value}”` : ""}.`);
      this.say(`Not sent: type ${this.data.environment} to confirm`);
      this.markPrevious("From the call before: nothing was sent this time.");
      confirm.focus();
      return;
    }
    this.controller = new AbortController();
    this.find("send").disabled = true;
    const started = performance.now();
    const clock = setInterval(() => {
      const seconds = (performance.now() - started) / 1000;
      if (seconds < 0.3) return;
      this.find("cancel").hidden = false;
      this.say(`Waiting ${seconds.toFixed(1)} s`);
    }, 100);
    try {
      const response = await fetch(this.data.gateway + request.address, this.options(request, confirm));
      const buffer = await response.arrayBuffer();
      await this.show(response, buffer, performance.now() - started);
      this.say("");
    } catch (error) {
      this.say(error.name === "AbortError" ? "Cancelled; what already left may still have arrived" : "The portal did not answer. Check your connection.");
    } finally {
      clearInterval(clock);
      this.controller = null;
      this.find("send").disabled = false;
      this.find("cancel").hidden = true;
      this.showQuota();
      this.showLease();
    }
  }

  // The form itself is wrong: say what, where it stands, and that the answer below is an older one.
  refuse(problems) {
    const [first] = problems;
    this.markPrevious("From the call before: nothing was sent this time.");
    if (first.location === "body") {
      this.say("Not sent");
      this.wrong("body", `Nothing was sent: the body ${first.message}`);
      this.find("body").focus();
      return;
    }
    this.say(`Not sent: ${first.pointer} ${first.message}`);
    const field = [...this.form.querySelectorAll(".try-field")].find((one) => one.dataset.place === first.location && one.dataset.name === first.pointer);
    field?.closest("details")?.setAttribute("open", "");
    field?.querySelector("input, select, textarea")?.focus();
  }

  // Words at a control, read out at once; none takes them away.
  wrong(name, text = "") {
    const note = this.find(`${name}-error`);
    if (!note) return;
    note.textContent = text;
    note.hidden = !text;
    if (text) this.find(name).setAttribute("aria-invalid", "true");
    else this.find(name).removeAttribute("aria-invalid");
  }

  markPrevious(text) {
    this.answer.classList.toggle("is-previous", Boolean(text));
    this.part("previous").textContent = text;
    this.part("previous").hidden = !text;
  }

  options(request, confirm) {
    const headers = new Headers(this.headers);
    for (const [name, value] of request.headers) headers.set(name, value);
    if (request.body?.media) headers.set("Content-Type", request.body.media);
    if (confirm) headers.set("X-Portal-Confirm", confirm.value);
    const body = ["GET", "HEAD"].includes(request.method) ? undefined : request.body?.payload;
    return { method: request.method, headers, body, signal: this.controller.signal, credentials: "same-origin", redirect: "manual", cache: "no-store" };
  }

  async show(response, buffer, milliseconds) {
    const type = (response.headers.get("Content-Type") ?? "").toLowerCase();
    const origin = response.headers.get("X-Portal-Origin") ?? "portal";
    const call = response.headers.get("X-Portal-Call");
    const problem = origin === "portal" && type.includes("problem+json") ? JSON.parse(new TextDecoder().decode(buffer)) : null;
    this.answer.hidden = false;
    this.markPrevious("");
    const status = this.part("status");
    status.textContent = response.type === "opaqueredirect" ? "Redirect" : `${response.status} ${problem?.title ?? response.statusText}`.trim();
    status.className = `answer-status status-${response.status < 400 ? "good" : response.status < 500 ? "warning" : "bad"}`;
    this.part("time").textContent = `${Math.round(milliseconds)} ms`;
    this.part("size").textContent = bytes(buffer.byteLength);
    this.part("hop").textContent = hop(origin, problem, response.headers.get("X-Portal-Mock") === "true");
    const link = this.part("link");
    link.hidden = !call;
    if (call) link.href = `/calls/${encodeURIComponent(call)}`;
    showBody(this.part("body"), buffer, type);
    showHeaders(this.part("headers"), response.headers);
    this.chooseTab(Boolean(problem?.errors?.length));
    this.answer.scrollIntoView({ block: "nearest" });
    await this.showVerdict(response, call, problem);
  }

  // What is wrong with a call is read first where the portal refused it; the next answer shows its body again.
  chooseTab(refused) {
    if (refused === Boolean(this.turned)) return;
    this.turned = refused;
    this.answer.querySelector(`[href="#answer-${refused ? "contract" : "body"}"]`).click();
  }

  async showVerdict(response, call, problem) {
    const verdict = this.part("verdict");
    const state = response.headers.get("X-Portal-Response") ?? "";
    verdict.hidden = !state && !problem?.errors;
    const panel = this.part("contract");
    const known = { request_verdict: response.headers.get("X-Portal-Request") ?? (problem?.errors ? "invalid" : ""), response_verdict: state, request_findings: problem?.errors ?? [] };
    showContract(panel, known, this.data.schemas);
    this.chip(verdict, known.request_findings.length, state || known.request_verdict);
    if (!call) return;
    // The record is completed after the answer has left: ask again until it is there.
    for (const pause of [0, 150, 400, 1000]) {
      await wait(pause);
      const record = await this.ask(`/api/v1/calls/${encodeURIComponent(call)}`);
      if (!record || record.state === "sent") continue;
      showContract(panel, record, this.data.schemas);
      this.chip(verdict, (record.request_findings ?? []).length + (record.response_findings ?? []).length, record.response_verdict || record.request_verdict);
      return;
    }
  }

  chip(chip, count, state) {
    chip.hidden = !state;
    chip.textContent = count ? `${count} finding${count === 1 ? "" : "s"}` : { valid: "matches", unchecked: "not checked", invalid: "does not match" }[state] ?? state;
    chip.className = `chip ${state === "valid" && !count ? "chip-good" : state === "unchecked" && !count ? "" : "chip-warning"}`;
  }
}

const wire = () => {
  for (const form of document.querySelectorAll("form[data-try-it]:not([data-wired])")) {
    form.dataset.wired = "yes";
    new Panel(form);
  }
};
wire();
