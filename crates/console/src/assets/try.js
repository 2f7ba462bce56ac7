/* The form that sends a request to the server which serves this page. */

const MAX_SHOWN = 200000;

/* A tail of several segments keeps its slashes. */
const encodePart = (name, value) =>
  name === "path" ? value.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(value);

function tryForm(doc, op) {
  const fields = (op.parameters || []).map((parameter) => ({ parameter, input: parameterInput(doc, parameter) }));
  const body = bodyInput(doc, op);
  const send = el("button", { class: "main", type: "submit" }, "Send");
  const copy = el("button", { type: "button" }, "Copy as curl");
  const result = el("div", { "aria-live": "polite" });
  const form = el(
    "form",
    { class: "try" },
    ...fields.map(({ parameter, input }) => fieldRow(parameter, input)),
    body ? el("div", {}, el("h3", {}, "Body"), body.input) : "",
    el("div", { class: "buttons" }, send, copy),
    result,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    result.replaceChildren(el("p", { class: "quiet" }, "Waiting for the answer…"));
    try {
      result.replaceChildren(...(await answer(buildRequest(doc, op, fields, body))));
    } catch (error) {
      result.replaceChildren(el("p", { class: "status s5" }, `No answer: ${error.message}`));
    }
    send.disabled = false;
  });
  copy.addEventListener("click", async () => {
    const text = curlText(buildRequest(doc, op, fields, body));
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
      setTimeout(() => { copy.textContent = "Copy as curl"; }, 1500);
    } catch {
      result.replaceChildren(el("pre", {}, text));
    }
  });
  return form;
}

let nextId = 0;

function parameterInput(doc, parameter) {
  nextId += 1;
  const id = `field-${nextId}`;
  const schema = resolve(doc, parameter.schema || {});
  const choice = choicesOf(schema).map((option) => resolve(doc, option)).find((option) => option.enum);
  const values = schema.enum || (choice && choice.enum) || ([].concat(schema.type).includes("boolean") ? [true, false] : null);
  if (!values) {
    const hint = parameter.required ? "required" : typeText(parameter.schema || {});
    return el("input", { id, placeholder: hint, required: parameter.required, spellcheck: "false", autocomplete: "off" });
  }
  const options = values.filter((value) => value != null).map((value) => el("option", { value }, String(value)));
  return el("select", { id }, el("option", { value: "" }, "—"), ...options);
}

function fieldRow(parameter, input) {
  const where = parameter.in === "path" ? "" : ` (${parameter.in})`;
  return el("div", { class: "field" }, el("label", { for: input.id }, parameter.name, el("span", { class: "quiet" }, where)), input);
}

function bodyInput(doc, op) {
  const content = op.requestBody && op.requestBody.content;
  if (!content) return null;
  const [media, form] = Object.entries(content)[0];
  if (media === "application/octet-stream") {
    return { media, input: el("input", { type: "file", "aria-label": "Body" }), read: (input) => input.files[0] };
  }
  const input = el("textarea", { "aria-label": "Body", spellcheck: "false" });
  if (form.schema) input.value = JSON.stringify(exampleOf(doc, form.schema), null, 2);
  return { media: media === "*/*" ? "application/json" : media, input, read: (area) => area.value || undefined };
}

function buildRequest(doc, op, fields, body) {
  let path = op.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const { parameter, input } of fields) {
    const value = input.value;
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodePart(parameter.name, value));
    else if (value === "") continue;
    else if (parameter.in === "header") headers[parameter.name] = value;
    else query.append(parameter.name, value);
  }
  const credential = credentialHeader(doc, op);
  if (credential) headers[credential[0]] = credential[1];
  const payload = body && body.read(body.input);
  if (payload !== undefined && payload !== null) headers["Content-Type"] = body.media;
  const text = query.toString();
  return { method: op.method.toUpperCase(), url: path + (text ? `?${text}` : ""), headers, body: payload || undefined };
}

/* Operations that read no credentials are never sent the key. */
function credentialHeader(doc, op) {
  const key = document.getElementById("key").value.trim();
  const wanted = (op.security || []).flatMap((choice) => Object.keys(choice));
  if (!key || !wanted.length) return null;
  const scheme = doc.components.securitySchemes[wanted[0]];
  return scheme.type === "apiKey" ? [scheme.name, key] : ["Authorization", `Bearer ${key}`];
}

async function answer({ url, ...request }) {
  const started = performance.now();
  const response = await fetch(url, { ...request, redirect: "manual", credentials: "omit" });
  const took = Math.round(performance.now() - started);
  if (response.type === "opaqueredirect") {
    return [el("p", {}, el("span", { class: "status s3" }, "3xx"), ` redirects elsewhere, after ${took} ms`)];
  }
  const type = response.headers.get("content-type") || "";
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return [
    el("p", {}, el("span", { class: `status s${String(response.status)[0]}` }, String(response.status)), ` ${response.statusText} after ${took} ms`),
    el("details", { class: "shape" }, el("summary", {}, "Headers"), el("pre", {}, headers)),
    await shownBody(response, type),
  ];
}

async function shownBody(response, type) {
  if (type && !/json|text|xml|event-stream|javascript/.test(type)) {
    const blob = await response.blob();
    return el("p", { class: "quiet" }, `${blob.size} bytes of ${type}`);
  }
  let text = await response.text();
  try {
    text = JSON.stringify(JSON.parse(text), null, 2);
  } catch { /* shown as it came */ }
  const rest = text.length - MAX_SHOWN;
  if (rest > 0) text = `${text.slice(0, MAX_SHOWN)}\n… ${rest} more characters`;
  return text ? el("pre", {}, text) : "";
}

const quoted = (text) => `'${String(text).replaceAll("'", `'\\''`)}'`;

/* The key stays out of what is copied. */
function curlText({ method, url, headers, body }) {
  const hidden = ([name, value]) => /^(authorization|x-api-key)$/i.test(name)
    ? `-H "${name}: ${value.startsWith("Bearer ") ? "Bearer " : ""}$KEY"`
    : `-H ${quoted(`${name}: ${value}`)}`;
  const parts = [`curl -X ${method} ${quoted(location.origin + url)}`, ...Object.entries(headers).map(hidden)];
  if (typeof body === "string") parts.push(`--data ${quoted(body)}`);
  else if (body) parts.push(`--data-binary ${quoted(`@${body.name}`)}`);
  return parts.join(" \\\n  ");
}
