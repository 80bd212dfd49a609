// A console that writes to the standard streams, and shows values so that they can be
// read.

import { encode, host } from "ability-storage/runtime";
import { framesOf } from "./stack.js";

/** What is deeper or further in is not shown. */
const DEEPEST = 4;
const MOST = 100;

const out = (...values) => host().writeOutput(line(values));
const error = (...values) => host().writeErrors(line(values));

export const console = {
  log: out,
  info: out,
  debug: out,
  warn: error,
  error,
  trace: error,
  dir: (value) => out(value),
  assert(condition, ...values) {
    if (!condition) error("Assertion failed:", ...values);
  },
};

function line(values) {
  const words = values.map((value) => (typeof value === "string" ? value : shown(value, [])));
  return encode(`${words.join(" ")}\n`.toWellFormed());
}

function shown(value, within) {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "bigint":
      return `${value}n`;
    case "function":
      return `[function ${value.name || "(anonymous)"}]`;
    case "object":
      return value === null ? "null" : shownObject(value, within);
    default:
      return String(value);
  }
}

function shownObject(value, within) {
  if (within.includes(value)) return "[circular]";
  if (value instanceof Error) return [`${value.name}: ${value.message}`, ...framesOf(value).map((frame) => `    ${frame}`)].join("\n");
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (within.length >= DEEPEST) return Array.isArray(value) ? "[…]" : "{…}";
  const inner = (item) => shown(item, [...within, value]);
  const name = value.constructor?.name;
  if (Array.isArray(value)) return listed("[", value.map(inner), "]");
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return `${name}(${value.length}) ${listed("[", Array.from(value.slice(0, MOST + 1), String), "]")}`;
  }
  if (value instanceof Map) {
    const items = Array.from(value, ([key, item]) => `${inner(key)} => ${inner(item)}`);
    return `Map(${value.size}) ${listed("{", items, "}")}`;
  }
  if (value instanceof Set) return `Set(${value.size}) ${listed("{", Array.from(value, inner), "}")}`;
  const members = Object.keys(value).map((key) => {
    const shownKey = /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
    return `${shownKey}: ${inner(value[key])}`;
  });
  const prefix = name && name !== "Object" ? `${name} ` : "";
  return prefix + listed("{", members, "}");
}

function listed(open, items, close) {
  if (items.length === 0) return open + close;
  const some = items.slice(0, MOST);
  if (items.length > MOST) some.push("…");
  const space = open === "{" ? " " : "";
  return open + space + some.join(", ") + space + close;
}
