"use strict";

/* Elements are only ever built from text, so nothing in a document can become markup. */
function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child != null && child !== ""));
  return node;
}

const refName = (schema) => schema.$ref.split("/").pop();

function resolve(doc, schema) {
  let found = schema;
  for (let hops = 0; found && found.$ref && hops < 16; hops += 1) {
    found = doc.components.schemas[refName(found)];
  }
  return found || {};
}

const isNull = (schema) => schema.type === "null";
const choicesOf = (schema) => schema.oneOf || schema.anyOf || [];

/* One line that says what a value looks like: `string (uuid) | null`, `Thing[]`, `"a" | "b"`. */
function typeText(schema) {
  if (schema === true || schema == null) return "any";
  if (schema.$ref) return refName(schema);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (choicesOf(schema).length) return choicesOf(schema).map(typeText).join(" | ");
  if (schema.allOf) return schema.allOf.map(typeText).join(" & ");
  const types = [].concat(schema.type || (schema.properties ? "object" : "any"));
  return types
    .map((type) => {
      if (type === "array") return typeText(schema.items) + "[]";
      if (type === "string" && schema.format) return `string (${schema.format})`;
      return type;
    })
    .join(" | ");
}

/* Rules that a type line cannot show. */
function rulesText(schema) {
  const rules = [];
  if (schema.minimum != null && !(schema.minimum === 0 && schema.format)) rules.push(`at least ${schema.minimum}`);
  if (schema.maximum != null) rules.push(`at most ${schema.maximum}`);
  if (schema.minLength) rules.push(`at least ${schema.minLength} characters`);
  if (schema.maxLength != null) rules.push(`at most ${schema.maxLength} characters`);
  if (schema.pattern) rules.push(`matches ${schema.pattern}`);
  if (schema.default != null) rules.push(`default ${JSON.stringify(schema.default)}`);
  if (schema.examples && schema.examples.length) rules.push(`for example ${JSON.stringify(schema.examples[0])}`);
  return rules.join(", ");
}

/* The object schema behind a value, where there is one worth opening. */
function inner(doc, schema) {
  if (!schema || schema === true) return null;
  const found = resolve(doc, schema);
  if (found.properties || found.allOf) return found;
  if (found.items) return inner(doc, found.items);
  const choices = choicesOf(found).filter((choice) => !isNull(choice));
  if (choices.length === 1) return inner(doc, choices[0]);
  return choices.some((choice) => inner(doc, choice)) ? found : null;
}

/* A table of an object's members; members open when asked, so recursive types end. */
function schemaTable(doc, schema) {
  const found = resolve(doc, schema);
  const variants = choicesOf(found).filter((choice) => !isNull(choice));
  if (variants.length && !found.properties) {
    return el("div", {}, ...variants.map((choice) => opener(doc, choice, choice.title || typeText(choice))));
  }
  const parts = [found, ...(found.allOf || []).map((part) => resolve(doc, part))];
  const required = new Set(parts.flatMap((part) => part.required || []));
  const rows = parts.flatMap((part) => Object.entries(part.properties || {})).map(([name, value]) => {
    const notes = [value.description || resolve(doc, value).description, rulesText(value)].filter(Boolean).join(" · ");
    return el(
      "tr",
      {},
      el("td", { class: "name" }, name, required.has(name) ? el("span", { class: "must", title: "required" }, " *") : ""),
      el("td", {}, el("span", { class: "type" }, typeText(value)), notes ? el("div", { class: "quiet small" }, notes) : "",
        inner(doc, value) ? opener(doc, value, "members") : ""),
    );
  });
  return rows.length ? el("table", {}, el("tbody", {}, ...rows)) : el("p", { class: "quiet small" }, "No fixed members.");
}

function opener(doc, schema, label) {
  const target = inner(doc, schema);
  if (!target) return el("div", { class: "type" }, label);
  const details = el("details", { class: "shape" }, el("summary", {}, label));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) {
      details.append(el("div", { class: "nested" }, schemaTable(doc, target)));
    }
  });
  return details;
}

/* A value that fits the schema, to begin editing from. */
function exampleOf(doc, schema, depth = 0, seen = []) {
  if (!schema || schema === true || depth > 5) return null;
  if (schema.$ref && seen.includes(schema.$ref)) return null;
  const below = schema.$ref ? [...seen, schema.$ref] : seen;
  const found = resolve(doc, schema);
  if (found.examples && found.examples.length) return found.examples[0];
  if (found.default != null) return found.default;
  if ("const" in found) return found.const;
  if (found.enum) return found.enum[0];
  const choice = choicesOf(found).find((option) => !isNull(option));
  if (choice) return exampleOf(doc, choice, depth + 1, below);
  const type = [].concat(found.type || (found.properties ? "object" : "")).find((name) => name !== "null");
  switch (type) {
    case "object": return exampleObject(doc, found, depth, below);
    case "array": {
      const item = exampleOf(doc, found.items, depth + 1, below);
      return item == null ? [] : [item];
    }
    case "integer":
    case "number": return found.minimum || 0;
    case "boolean": return false;
    case "string": return exampleText(found.format);
    default: return null;
  }
}

/* Members that must be there; where none must, all of them. */
function exampleObject(doc, schema, depth, seen) {
  const names = Object.keys(schema.properties || {});
  const wanted = (schema.required || []).length ? names.filter((name) => schema.required.includes(name)) : names;
  return Object.fromEntries(wanted.map((name) => [name, exampleOf(doc, schema.properties[name], depth + 1, seen)]));
}

function exampleText(format) {
  if (format === "uuid") return "00000000-0000-7000-8000-000000000000";
  if (format === "date-time") return "2026-01-01T00:00:00Z";
  return "";
}
