// The form of an operation as the request it describes. Values are written in the style their parameter declares (OpenAPI, "style").

const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

// A field's value: a text, a list of texts, an object; undefined when it is left empty.
const valueOf = (field) => {
  const control = field.querySelector("input, select, textarea");
  const text = control.value;
  const { kind, content } = field.dataset;
  if (text === "" && !("required" in field.dataset && kind === "text")) return undefined;
  if (content) return text;
  if (kind === "json" || (kind === "list" && text.trimStart().startsWith("["))) return JSON.parse(text);
  if (kind === "list") return text.split(",").map((one) => one.trim());
  return text;
};

const plain = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value));
const separators = { form: ",", simple: ",", spaceDelimited: " ", pipeDelimited: "|" };

// [name, value] pairs of one query parameter.
const queryPairs = (name, value, style, explode) => {
  if (Array.isArray(value)) {
    if (explode && style === "form") return value.map((one) => [name, plain(one)]);
    return [[name, value.map(plain).join(separators[style] ?? ",")]];
  }
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value);
    if (style === "deepObject") return entries.map(([key, one]) => [`${name}[${key}]`, plain(one)]);
    if (explode) return entries.map(([key, one]) => [key, plain(one)]);
    return [[name, entries.flatMap(([key, one]) => [key, plain(one)]).join(separators[style] ?? ",")]];
  }
  return [[name, plain(value)]];
};

// One value in the path, or in a header, by its style.
const simple = (name, value, style, explode, write) => {
  const start = { label: ".", matrix: ";" }[style] ?? "";
  const between = explode ? (start || ",") : ",";
  if (Array.isArray(value)) {
    const parts = value.map((one) => write(plain(one)));
    if (style === "matrix") return explode ? parts.map((one) => `;${name}=${one}`).join("") : `;${name}=${parts.join(",")}`;
    return start + parts.join(between);
  }
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value).map(([key, one]) => [write(key), write(plain(one))]);
    const text = explode ? entries.map((pair) => pair.join("=")).join(between) : entries.flat().join(",");
    return style === "matrix" && !explode ? `;${name}=${text}` : start + text;
  }
  return style === "matrix" ? `;${name}=${write(plain(value))}` : start + write(plain(value));
};

// {a: {b: [1]}} as a[b][0]=1. An empty object or list has no fields.
const bracketPairs = (name, value) =>
  value !== null && typeof value === "object" ? Object.entries(value).flatMap(([key, one]) => bracketPairs(`${name}[${key}]`, one)) : [[name, plain(value)]];

const isEmpty = (value) => value !== null && typeof value === "object" && Object.keys(value).length === 0;

// [name, value] of every form field; `deep` are the fields the document writes with brackets.
const formFields = (text, deep) => {
  const value = JSON.parse(text || "{}");
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new SyntaxError("form fields are written as one JSON object");
  return Object.entries(value).flatMap(([name, one]) => {
    if (isEmpty(one)) return [];
    if (deep.includes(name)) return bracketPairs(name, one);
    return Array.isArray(one) ? one.map((part) => [name, plain(part)]) : [[name, plain(one)]];
  });
};

// What the body would be: {media, payload (for fetch), text (for samples), size in bytes}; null when there is none.
const bodyOf = (form) => {
  const choice = form.querySelector("[data-media]");
  if (!choice) return null;
  const option = choice.selectedOptions[0];
  const text = form.querySelector("[data-body]").value;
  const media = choice.value;
  const size = (payload) => new TextEncoder().encode(payload).length;
  if (option.dataset.kind === "file") {
    const file = form.querySelector("[data-file]").files[0];
    return file ? { media, payload: file, text: null, file: file.name, size: file.size } : null;
  }
  if (text === "") return null;
  if (option.dataset.kind === "form") {
    const fields = formFields(text, (option.dataset.deep ?? "").split(" ").filter(Boolean));
    if (media.startsWith("multipart/")) {
      const payload = new FormData();
      for (const [name, value] of fields) payload.append(name, value);
      const bytes = fields.reduce((sum, [name, value]) => sum + size(name) + size(value) + 100, 60);
      return { media: null, payload, text: null, fields, multipart: true, size: bytes };
    }
    const payload = new URLSearchParams(fields).toString();
    return { media, payload, text: payload, fields, size: size(payload) };
  }
  return { media, payload: text, text, size: size(text) };
};

// Everything at once. `problems` are what the form itself knows to be wrong, in words.
export const readRequest = (form) => {
  const { method, path: template } = form.dataset;
  const problems = [];
  const query = [];
  const headers = [];
  const pathValues = {};
  let path = template;
  for (const field of form.querySelectorAll(".try-field")) {
    const { place, name, style } = field.dataset;
    const explode = field.dataset.explode === "true";
    let value;
    try {
      value = valueOf(field);
    } catch (error) {
      problems.push({ location: place, pointer: name, message: `is not JSON: ${error.message}` });
      continue;
    }
    if (value === undefined) {
      if ("required" in field.dataset) problems.push({ location: place, pointer: name, message: "is required" });
      continue;
    }
    if (place === "query") query.push(...queryPairs(name, value, style, explode));
    else if (place === "header") headers.push([name, simple(name, value, "simple", explode, String)]);
    else if (place === "path") {
      const written = simple(name, value, style, explode, encode);
      pathValues[name] = simple(name, value, style, explode, String);
      if (written === "") problems.push({ location: place, pointer: name, message: "is required" });
      else path = path.replaceAll(`{${name}}`, written);
    }
  }
  let body = null;
  try {
    body = bodyOf(form);
  } catch (error) {
    problems.push({ location: "body", pointer: "", message: `is not JSON: ${error.message}` });
  }
  if (body?.media?.includes("json") && body.text !== null) {
    try {
      JSON.parse(body.text);
    } catch (error) {
      problems.push({ location: "body", pointer: "", message: `is not JSON: ${error.message}` });
    }
  }
  const search = query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
  const address = search ? `${path}?${search}` : path;
  return { method, path, address, query, headers, pathValues, body, problems };
};
