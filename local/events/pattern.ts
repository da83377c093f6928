/** Decides whether an event matches. Compiled once from a rule's `EventPattern`. */
export type Matcher = (event: Readonly<Record<string, unknown>>) => boolean;

/** Does one value (undefined: the field is absent) satisfy one alternative of a pattern? */
type Test = (value: unknown) => boolean;

/**
 * EventBridge's content filtering: a field matches if one of its alternatives does; an array in
 * the event matches if one of its items does. An operator that is not implemented is an error
 * here, when the cloud starts, and never a rule that silently matches nothing.
 */
export function compilePattern(pattern: unknown): Matcher {
  const matches = compileObject(pattern, "");
  return (event) => matches(event);
}

function compileObject(pattern: unknown, path: string): Test {
  if (!isObject(pattern)) throw new Error(`event pattern: ${path || "it"} is not an object`);
  const tests = Object.entries(pattern).map(([key, value]): Test => {
    if (key === "$or") return compileOr(value, path);
    const field = path === "" ? key : `${path}.${key}`;
    const test = Array.isArray(value) ? compileLeaf(value, field) : compileObject(value, field);
    return (event) => test(isObject(event) ? event[key] : undefined);
  });
  if (tests.length === 0) throw new Error(`event pattern: ${path || "it"} is empty`);
  const all: Test = (event) => tests.every((test) => test(event));
  // An array of objects matches if one object does.
  return (event) => (Array.isArray(event) ? event.some(all) : all(event));
}

function compileOr(alternatives: unknown, path: string): Test {
  if (!Array.isArray(alternatives) || alternatives.length < 2) {
    throw new Error(`event pattern: ${path}.$or needs two alternatives or more`);
  }
  const tests = alternatives.map((alternative) => compileObject(alternative, path));
  return (event) => tests.some((test) => test(event));
}

function compileLeaf(alternatives: readonly unknown[], path: string): Test {
  if (alternatives.length === 0) throw new Error(`event pattern: ${path} allows nothing`);
  const tests = alternatives.map((alternative) => compileAlternative(alternative, path));
  return (value) => tests.some((test) => test(value));
}

function compileAlternative(alternative: unknown, path: string): Test {
  if (!isObject(alternative)) return anyItem((item) => item === alternative);
  const entries = Object.entries(alternative);
  const [entry] = entries;
  if (entry === undefined || entries.length !== 1) {
    throw new Error(`event pattern: ${path} holds an alternative without exactly one operator`);
  }
  const [name, argument] = entry;
  if (name === "exists") {
    const wanted = Boolean(argument);
    return (value) => isLeafPresent(value) === wanted;
  }
  if (name === "anything-but") return compileAnythingBut(argument, path);
  return anyItem(compileOperator(name, argument, path));
}

/** Absent fields match nothing but `exists: false`; arrays match by item. */
function anyItem(test: Test): Test {
  return (value) => {
    if (value === undefined) return false;
    return Array.isArray(value) ? value.some(test) : test(value);
  };
}

function isLeafPresent(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && !isObject(value);
}

/** Of an array, at least one item must be something else, as EventBridge does it. */
function compileAnythingBut(argument: unknown, path: string): Test {
  const alternatives = Array.isArray(argument) ? argument : [argument];
  const refused = alternatives.map((alternative): Test => {
    if (!isObject(alternative)) return (value) => value === alternative;
    const [entry] = Object.entries(alternative);
    if (entry === undefined) throw new Error(`event pattern: ${path}: empty anything-but`);
    const [name, values] = entry;
    const tests = (Array.isArray(values) ? values : [values]).map((value) => {
      return compileOperator(name, value, path);
    });
    return (value) => tests.some((test) => test(value));
  });
  return anyItem((value) => !isObject(value) && !refused.some((test) => test(value)));
}

function compileOperator(name: string, argument: unknown, path: string): Test {
  switch (name) {
    case "prefix":
      return compileAffix(argument, path, (value, affix) => value.startsWith(affix));
    case "suffix":
      return compileAffix(argument, path, (value, affix) => value.endsWith(affix));
    case "equals-ignore-case":
      return compileText(argument, path, (value, other) => fold(value) === fold(other));
    case "wildcard":
      return compileWildcard(argument, path);
    case "numeric":
      return compileNumeric(argument, path);
    default:
      throw new Error(`event pattern: ${path} uses the unknown operator ${name}`);
  }
}

function fold(value: string): string {
  return value.toLowerCase();
}

function compileText(
  argument: unknown,
  path: string,
  compare: (value: string, argument: string) => boolean,
): Test {
  if (typeof argument !== "string") throw new Error(`event pattern: ${path} expects a string`);
  return (value) => typeof value === "string" && compare(value, argument);
}

function compileAffix(
  argument: unknown,
  path: string,
  compare: (value: string, affix: string) => boolean,
): Test {
  if (!isObject(argument)) return compileText(argument, path, compare);
  return compileText(argument["equals-ignore-case"], path, (value, affix) => {
    return compare(fold(value), fold(affix));
  });
}

function compileWildcard(argument: unknown, path: string): Test {
  if (typeof argument !== "string") throw new Error(`event pattern: ${path} expects a string`);
  const source = [...argument.matchAll(/\\([*\\])|\*|[^*]/gs)]
    .map(([token, escaped]) => (token === "*" ? ".*" : escapeExpression(escaped ?? token)))
    .join("");
  const expression = new RegExp(`^${source}$`, "s");
  return (value) => typeof value === "string" && expression.test(value);
}

function escapeExpression(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

const comparisons: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  "=": (value, limit) => value === limit,
  "<": (value, limit) => value < limit,
  "<=": (value, limit) => value <= limit,
  ">": (value, limit) => value > limit,
  ">=": (value, limit) => value >= limit,
};

function compileNumeric(argument: unknown, path: string): Test {
  if (!Array.isArray(argument) || argument.length === 0 || argument.length % 2 !== 0) {
    throw new Error(`event pattern: ${path} expects pairs of operator and number`);
  }
  const tests: ((value: number) => boolean)[] = [];
  for (let index = 0; index < argument.length; index += 2) {
    const compare = comparisons[String(argument[index])];
    const limit = argument[index + 1];
    if (compare === undefined || typeof limit !== "number") {
      throw new Error(`event pattern: ${path} uses the unknown comparison ${argument[index]}`);
    }
    tests.push((value) => compare(value, limit));
  }
  return (value) => typeof value === "number" && tests.every((test) => test(value));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
