/* Loads the document of a door and shows its operations, grouped by tag. */

const METHODS = ["get", "post", "put", "patch", "delete"];
const main = document.getElementById("main");
const tagNav = document.getElementById("tags");
const filter = document.getElementById("filter");
const tabs = [...document.querySelectorAll("#doors a")];
const loaded = new Map();
let shown = null;

function operationsOf(doc) {
  return Object.entries(doc.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, ...item[method] })));
}

function accessText(op) {
  if (!op.security) return "open to anyone";
  const optional = op.security.some((choice) => Object.keys(choice).length === 0);
  if (optional) return "key optional";
  return op["x-permission"] ? `needs ${op["x-permission"]}` : "needs a key";
}

function operationCard(doc, door, op) {
  const card = el(
    "details",
    { class: "op", id: `${door}/${op.operationId}` },
    el("summary", {}, el("span", { class: `method ${op.method}` }, op.method.toUpperCase()),
      el("span", { class: "path mono" }, op.path), el("span", { class: "what" }, op.summary)),
  );
  card.dataset.search = `${op.method} ${op.path} ${op.summary} ${op.operationId}`.toLowerCase();
  card.addEventListener("toggle", () => {
    if (!card.open) return;
    if (card.childElementCount === 1) card.append(operationDetails(doc, op));
    history.replaceState(null, "", `#${card.id}`);
  });
  return card;
}

function operationDetails(doc, op) {
  const sections = [
    el("div", { class: "tagline" }, el("span", {}, accessText(op)), el("span", { class: "mono" }, op.operationId),
      op.deprecated ? el("span", { class: "status s4" }, "deprecated") : ""),
    op.description ? el("p", {}, op.description) : "",
  ];
  if (op.parameters) sections.push(el("h3", {}, "Parameters"), parameterTable(op.parameters));
  if (op.requestBody) sections.push(el("h3", {}, "Request body"), bodyShape(doc, op.requestBody));
  sections.push(el("h3", {}, "Answers"), ...Object.entries(op.responses).map(([status, reply]) => replyRow(doc, status, reply)));
  sections.push(el("h3", {}, "Try it"), tryForm(doc, op));
  return el("div", { class: "inside" }, ...sections);
}

function parameterTable(parameters) {
  const rows = parameters.map((parameter) => el(
    "tr",
    {},
    el("td", { class: "name" }, parameter.name, parameter.required ? el("span", { class: "must", title: "required" }, " *") : ""),
    el("td", { class: "place quiet small" }, parameter.in),
    el("td", {}, el("span", { class: "type" }, typeText(parameter.schema)),
      el("div", { class: "quiet small" }, [parameter.description, rulesText(parameter.schema || {})].filter(Boolean).join(" · "))),
  ));
  return el("table", {}, el("tbody", {}, ...rows));
}

function bodyShape(doc, requestBody) {
  const [media, form] = Object.entries(requestBody.content)[0];
  const kind = media === "*/*" ? "any media type" : media;
  const line = el("p", { class: "quiet small" }, requestBody.required ? kind : `${kind}, may be absent`);
  return el("div", {}, line, form.schema ? schemaTable(doc, form.schema) : "");
}

function replyRow(doc, status, reply) {
  const [media, form] = Object.entries(reply.content || {})[0] || [];
  const label = [reply.description, media && media !== "application/json" ? media : ""].filter(Boolean).join(" · ");
  const shape = form && form.schema ? opener(doc, form.schema, `${label}: ${typeText(form.schema)}`) : el("span", { class: "quiet small" }, label);
  return el("div", { class: "reply" }, el("span", { class: `status s${status[0]}` }, status), el("div", { class: "form" }, shape));
}

function show(door, doc) {
  const operations = operationsOf(doc);
  const groups = (doc.tags || []).map(({ name }) => [name, operations.filter((op) => (op.tags || [])[0] === name)]);
  const sections = groups.map(([name, members]) => el(
    "section",
    { id: `tag/${name}` },
    el("h2", {}, name),
    ...members.map((op) => operationCard(doc, door, op)),
  ));
  const about = `${operations.length} operations · version ${doc.info.version} · `;
  main.replaceChildren(
    el("h1", {}, doc.info.title),
    el("p", { class: "quiet" }, doc.info.description),
    el("p", { class: "quiet small" }, about, el("a", { href: loaded.get(door).url }, "OpenAPI document")),
    ...sections,
  );
  tagNav.replaceChildren(...groups.map(([name, members]) => el(
    "a",
    { href: `#${door}`, onclick: (event) => { event.preventDefault(); document.getElementById(`tag/${name}`).scrollIntoView(); } },
    name,
    el("span", { class: "quiet small" }, String(members.length)),
  )));
  shown = door;
  applyFilter();
}

function applyFilter() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  main.querySelectorAll("section").forEach((section, index) => {
    const cards = [...section.querySelectorAll(".op")];
    for (const card of cards) card.hidden = !words.every((word) => card.dataset.search.includes(word));
    section.hidden = cards.every((card) => card.hidden);
    tagNav.children[index].hidden = section.hidden;
  });
}

async function load(door, url) {
  if (!loaded.has(door)) {
    main.replaceChildren(el("p", { class: "quiet" }, "Loading…"));
    const response = await fetch(url, { credentials: "omit" });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    loaded.set(door, { url, doc: await response.json() });
  }
  return loaded.get(door).doc;
}

/* The address names a door and, after a slash, an operation. */
async function follow() {
  const [wanted, operation] = decodeURIComponent(location.hash.slice(1)).split("/");
  const tab = tabs.find((candidate) => candidate.dataset.name === wanted) || tabs[0];
  if (!tab) return;
  const door = tab.dataset.name;
  for (const other of tabs) other.toggleAttribute("aria-current", other === tab);
  try {
    const doc = await load(door, tab.dataset.document);
    if (shown !== door) show(door, doc);
  } catch (error) {
    shown = null;
    main.replaceChildren(el("p", { class: "status s5" }, `The document could not be loaded: ${error.message}`));
    return;
  }
  const card = operation && document.getElementById(`${door}/${operation}`);
  if (card) {
    card.open = true;
    card.scrollIntoView();
  }
}

filter.addEventListener("input", applyFilter);
document.getElementById("credentials").addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", follow);
follow();
