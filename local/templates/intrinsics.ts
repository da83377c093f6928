/** What an expression in a template may refer to. */
export interface Scope {
  readonly ref: (name: string) => unknown;
  readonly attribute: (logicalId: string, attribute: string) => unknown;
  readonly importValue: (exportName: string) => unknown;
  readonly stackOutput: (stackName: string, outputName: string) => unknown;
  readonly condition: (name: string) => boolean;
  readonly mapping: (map: string, key: string, secondKey: string) => unknown;
  readonly account: string;
  readonly region: string;
}

/** `AWS::NoValue`: the property that holds it is left out. */
export const noValue: unique symbol = Symbol("AWS::NoValue");

/** Evaluates every intrinsic function in `value`; an unknown one is an error that names it. */
export function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => resolve(item, scope)).filter((item) => item !== noValue);
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined && isIntrinsic(only[0])) {
    return evaluate(only[0], only[1], scope);
  }
  const resolved: Record<string, unknown> = {};
  for (const [key, item] of entries) {
    const result = resolve(item, scope);
    if (result !== noValue) resolved[key] = result;
  }
  return resolved;
}

function isIntrinsic(key: string): boolean {
  return key === "Ref" || key === "Condition" || key.startsWith("Fn::");
}

type Intrinsic = (argument: unknown, scope: Scope) => unknown;

const intrinsics: Record<string, Intrinsic> = {
  Ref: (name, scope) => scope.ref(text(name, "Ref")),
  // In an IAM policy `Condition` is an ordinary key whose value is an object.
  Condition: (name, scope) =>
    typeof name === "string" ? scope.condition(name) : { Condition: resolve(name, scope) },
  "Fn::GetAtt": getAttribute,
  "Fn::Join": (argument, scope) => {
    const [delimiter, items] = pair(argument, "Fn::Join");
    const list = strings(resolve(items, scope), "Fn::Join");
    return list.join(text(delimiter, "Fn::Join"));
  },
  "Fn::Sub": substitute,
  "Fn::Select": (argument, scope) => {
    const [index, items] = pair(argument, "Fn::Select");
    const list = resolve(items, scope);
    const item = Array.isArray(list) ? list[Number(resolve(index, scope))] : undefined;
    if (item === undefined) throw new Error(`Fn::Select: nothing at index ${String(index)}`);
    return item;
  },
  "Fn::Split": (argument, scope) => {
    const [delimiter, source] = pair(argument, "Fn::Split");
    return text(resolve(source, scope), "Fn::Split").split(text(delimiter, "Fn::Split"));
  },
  "Fn::ImportValue": (argument, scope) =>
    scope.importValue(text(resolve(argument, scope), "Fn::ImportValue")),
  "Fn::GetStackOutput": (argument, scope) => {
    const { StackName, OutputName } = resolve(argument, scope) as Record<string, unknown>;
    const name = "Fn::GetStackOutput";
    return scope.stackOutput(text(StackName, name), text(OutputName, name));
  },
  "Fn::FindInMap": (argument, scope) => {
    const [map, key, secondKey] = strings(resolve(argument, scope), "Fn::FindInMap");
    return scope.mapping(map ?? "", key ?? "", secondKey ?? "");
  },
  "Fn::If": (argument, scope) => {
    const [condition, then, otherwise] = argument as [string, unknown, unknown];
    return resolve(scope.condition(condition) ? then : otherwise, scope);
  },
  "Fn::Equals": (argument, scope) => {
    const [left, right] = pair(resolve(argument, scope), "Fn::Equals");
    return JSON.stringify(left) === JSON.stringify(right);
  },
  "Fn::And": (argument, scope) => (resolve(argument, scope) as unknown[]).every(Boolean),
  "Fn::Or": (argument, scope) => (resolve(argument, scope) as unknown[]).some(Boolean),
  "Fn::Not": (argument, scope) => !(resolve(argument, scope) as unknown[])[0],
  "Fn::Base64": (argument, scope) =>
    Buffer.from(text(resolve(argument, scope), "Fn::Base64")).toString("base64"),
  "Fn::GetAZs": (_argument, scope) => [`${scope.region}a`, `${scope.region}b`],
};

function evaluate(name: string, argument: unknown, scope: Scope): unknown {
  const intrinsic = intrinsics[name];
  if (intrinsic === undefined) throw new Error(`unknown intrinsic function ${name}`);
  return intrinsic(argument, scope);
}

function getAttribute(argument: unknown, scope: Scope): unknown {
  if (typeof argument === "string") {
    const dot = argument.indexOf(".");
    return scope.attribute(argument.slice(0, dot), argument.slice(dot + 1));
  }
  const [logicalId, attribute] = pair(argument, "Fn::GetAtt");
  const name = text(resolve(attribute, scope), "Fn::GetAtt");
  return scope.attribute(text(logicalId, "Fn::GetAtt"), name);
}

function substitute(argument: unknown, scope: Scope): string {
  const [source, variables] = Array.isArray(argument) ? argument : [argument, {}];
  const values = resolve(variables, scope) as Record<string, unknown>;
  return text(source, "Fn::Sub").replace(/\$\{([^}]+)\}/g, (_match, name: string) => {
    if (name.startsWith("!")) return `\${${name.slice(1)}}`;
    if (Object.hasOwn(values, name)) return text(values[name], "Fn::Sub");
    const value = name.includes(".") ? getAttribute(name, scope) : scope.ref(name);
    return text(value, "Fn::Sub");
  });
}

function text(value: unknown, name: string): string {
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw new Error(`${name}: expected a string, got ${JSON.stringify(value)}`);
}

function strings(value: unknown, name: string): string[] {
  if (!Array.isArray(value)) throw new Error(`${name}: expected a list`);
  return value.map((item) => text(item, name));
}

function pair(value: unknown, name: string): [unknown, unknown] {
  if (Array.isArray(value) && value.length === 2) return [value[0], value[1]];
  throw new Error(`${name}: expected two arguments`);
}
