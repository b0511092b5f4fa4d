// Code that sends what the form shows. Every value is quoted for the language it stands in.

const shell = (text) => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
const python = (text) =>
  JSON.stringify(text).replace(/[\u007f-\uffff]/g, (one) => (one < "\u00a0" || (one >= "\ud800" && one <= "\udfff") || one === "\u2028" || one === "\u2029" ? `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}` : one));
const javascript = (text) => JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");

const headersOf = (request) => [...request.headers, ...(request.body?.media ? [["Content-Type", request.body.media]] : [])];

const curl = (request, url) => {
  const lines = [`curl -X ${request.method} ${shell(url)}`, `  -H "Authorization: Bearer $TOKEN"`];
  for (const [name, value] of headersOf(request)) lines.push(`  -H ${shell(`${name}: ${value}`)}`);
  if (request.body?.multipart) for (const [name, value] of request.body.fields) lines.push(`  --form-string ${shell(`${name}=${value}`)}`);
  else if (request.body?.file) lines.push(`  --data-binary ${shell(`@${request.body.file}`)}`);
  else if (request.body) lines.push(`  --data-raw ${shell(request.body.text)}`);
  return lines.join(" \\\n");
};

const pythonSample = (request, url) => {
  const lines = ["import os", "", "import requests", "", "response = requests.request(", `    ${python(request.method)},`, `    ${python(url)},`, "    headers={", `        "Authorization": f"Bearer {os.environ['TOKEN']}",`];
  for (const [name, value] of headersOf(request)) lines.push(`        ${python(name)}: ${python(value)},`);
  lines.push("    },");
  if (request.body?.multipart) {
    lines.push("    files=[");
    for (const [name, value] of request.body.fields) lines.push(`        (${python(name)}, (None, ${python(value)})),`);
    lines.push("    ],");
  } else if (request.body?.file) lines.push(`    data=open(${python(request.body.file)}, "rb"),`);
  else if (request.body) lines.push(`    data=${python(request.body.text)}.encode(),`);
  lines.push("    timeout=30,", ")", "print(response.status_code, response.text)");
  return lines.join("\n");
};

const javascriptSample = (request, url) => {
  const lines = [];
  if (request.body?.multipart) {
    lines.push("const body = new FormData();");
    for (const [name, value] of request.body.fields) lines.push(`body.append(${javascript(name)}, ${javascript(value)});`);
  } else if (request.body?.file) lines.push(`import { readFile } from "node:fs/promises";`, `const body = await readFile(${javascript(request.body.file)});`);
  lines.push(`const response = await fetch(${javascript(url)}, {`, `  method: ${javascript(request.method)},`, "  headers: {", "    Authorization: `Bearer ${process.env.TOKEN}`,");
  for (const [name, value] of headersOf(request)) lines.push(`    ${javascript(name)}: ${javascript(value)},`);
  lines.push("  },");
  if (request.body?.text != null) lines.push(`  body: ${javascript(request.body.text)},`);
  else if (request.body) lines.push("  body,");
  lines.push("});", "console.log(response.status, await response.text());");
  return lines.join("\n");
};

export const samples = { curl, python: pythonSample, javascript: javascriptSample };
