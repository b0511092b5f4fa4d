// What came back, shown: status, hop, body, headers, contract. Bytes of a platform are only ever text here, never markup.

const SHOWN = 65536; // characters of a body on the page; the rest is a download
const COLOURED = 131072;

export const element = (name, text = "", className = "") => {
  const made = document.createElement(name);
  if (text !== "") made.textContent = text;
  if (className) made.className = className;
  return made;
};

export const bytes = (size) => {
  let value = size;
  for (const unit of ["B", "KB", "MB"]) {
    if (value < 1024 || unit === "MB") return `${unit === "B" || value >= 10 ? Math.round(value) : value.toFixed(1)} ${unit}`;
    value /= 1024;
  }
  return "";
};

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

const coloured = (text) => {
  const code = element("code");
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    const kind = match[1] ? (match[2] ? "key" : "string") : match[3] ? "keyword" : "number";
    const word = match[1] ?? match[0];
    code.append(text.slice(at, match.index), element("span", word, `highlight-${kind}`));
    at = match.index + word.length;
  }
  code.append(text.slice(at));
  return code;
};

const textual = (type) => /json|xml|text|yaml|javascript|csv|urlencoded/.test(type);

export const showBody = (panel, buffer, type) => {
  panel.replaceChildren();
  if (buffer.byteLength === 0) {
    panel.append(element("p", "The answer has no body.", "panel-body dim"));
    return;
  }
  const isText = textual(type) || type === "";
  if (isText) {
    const whole = new TextDecoder().decode(buffer);
    let text = whole;
    if (type.includes("json") && whole.length <= 2 * COLOURED) {
      try {
        text = JSON.stringify(JSON.parse(whole), null, 2);
      } catch {
        text = whole; // not JSON after all: the Contract tab says so
      }
    }
    const block = element("div", "", "code-block");
    const pre = element("pre");
    pre.tabIndex = 0;
    pre.append(type.includes("json") && text.length <= COLOURED ? coloured(text.slice(0, SHOWN)) : element("code", text.slice(0, SHOWN)));
    block.append(pre);
    panel.append(block);
    if (text.length > SHOWN) panel.append(element("p", `The first ${bytes(SHOWN)} of ${bytes(buffer.byteLength)} are shown.`, "try-note small dim"));
  } else panel.append(element("p", `${bytes(buffer.byteLength)} of ${type}.`, "panel-body"));
  if (!isText || buffer.byteLength > SHOWN) {
    const save = element("button", "Download", "button button-small answer-save");
    save.type = "button";
    save.addEventListener("click", () => {
      const link = element("a");
      link.href = URL.createObjectURL(new Blob([buffer], { type: "application/octet-stream" }));
      link.download = "answer";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    panel.append(save);
  }
};

export const showHeaders = (list, headers) => {
  list.replaceChildren();
  for (const [name, value] of [...headers].sort()) {
    const cell = element("dd");
    cell.append(element("code", value));
    list.append(element("dt", name), cell);
  }
};

// "#/components/schemas/Station/properties/timezone/type" as "Station.timezone.type".
const shortPointer = (pointer) =>
  pointer.replace(/^#\/(components\/schemas\/)?/, "").replaceAll("/properties/", ".").replaceAll("/items", "[]").replaceAll("/", ".").replaceAll("~1", "/").replaceAll("~0", "~");

// The row of this page that describes what a finding of the request is about: a parameter or the body.
const rowOf = (finding, side) => {
  if (side === "Response") return "";
  if (finding.location === "body") return "request-body";
  const id = `parameter-${finding.location}-${(finding.pointer ?? "").replace(/^\//, "").split("/")[0]}`;
  return document.getElementById(id) ? id : "";
};

// One finding as a row: what, where, expected, got, and the place in the schema.
export const findingRow = (finding, schemas, side = "") => {
  const level = finding.level ?? "error";
  const row = element("li", "", `finding finding-${level}`);
  const mark = element("span", { error: "×", warning: "!", info: "i" }[level] ?? "×", "mark");
  mark.setAttribute("aria-hidden", "true");
  const what = element("div");
  if (side) what.append(`${side}: `);
  if (finding.pointer && !finding.message.includes(`\`${finding.pointer}\``)) what.append(element("code", finding.pointer), " ");
  finding.message.split("`").forEach((piece, index) => what.append(index % 2 ? element("code", piece) : piece));
  const where = element("div", "", "where");
  const parts = [finding.location, finding.keyword].filter(Boolean).map((one) => document.createTextNode(one));
  for (const name of ["expected", "got"]) {
    if (finding[name] === undefined || finding[name] === null || finding[name] === "") continue;
    const part = element("span", `${name} `);
    part.append(element("code", String(finding[name])));
    parts.push(part);
  }
  if (finding.schema) {
    const link = element("a", shortPointer(finding.schema));
    link.title = finding.schema;
    const row = rowOf(finding, side);
    if (finding.schema.startsWith("#/components/schemas/")) link.href = `${schemas}?pointer=${encodeURIComponent(finding.schema)}`;
    else if (row) link.href = `#${row}`;
    parts.push(link.href ? link : element("code", shortPointer(finding.schema)));
  }
  parts.forEach((part, index) => where.append(...(index ? [" · ", part] : [part])));
  row.append(mark, what, where);
  return row;
};

const verdictText = { valid: "matches", invalid: "does not match", unchecked: "was not checked against", "": "was not checked against" };

export const showContract = (panel, record, schemas) => {
  panel.replaceChildren();
  const findings = [
    ...(record.request_findings ?? []).map((one) => [one, "Request"]),
    ...(record.response_findings ?? []).map((one) => [one, "Response"]),
  ];
  const summary = element("p", "", "try-note small");
  summary.append(`The request ${verdictText[record.request_verdict ?? ""] ?? record.request_verdict} the document`);
  summary.append(record.response_verdict ? `; the answer ${verdictText[record.response_verdict] ?? record.response_verdict} it.` : ".");
  panel.append(summary);
  if (findings.length) {
    const list = element("ul", "", "rows");
    for (const [finding, side] of findings) list.append(findingRow(finding, schemas, side));
    panel.append(list);
  }
  for (const note of record.notes ?? []) panel.append(element("p", note, "try-note small dim"));
};

// Who decided this answer, in a sentence.
const HOPS = {
  token_refused: "The token endpoint refused.",
  token_unavailable: "The token endpoint did not answer.",
  upstream_unreachable: "The platform could not be reached.",
  upstream_timeout: "The platform took too long.",
  upstream_broken: "The platform broke off.",
  circuit_open: "The platform keeps failing; calls to it are paused.",
};

export const hop = (origin, problem, mocked) => {
  if (mocked) return "The portal answered from the document; nothing left it.";
  if (origin === "upstream") return "The platform answered.";
  if (!problem) return "The portal answered.";
  const who = HOPS[problem.code] ?? "The portal refused.";
  return problem.detail ? `${who} ${problem.detail}` : who;
};
