/** The part of DynamoDB's expression language that the adapters use; anything else is an error. */
export type Item = Readonly<Record<string, unknown>>;

export interface Bindings {
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, unknown>>;
}

type Operand = (item: Item, bindings: Bindings) => unknown;
type Condition = (item: Item, bindings: Bindings) => boolean;
type Update = (item: Item, bindings: Bindings) => Item;

const conditions = new Map<string, Condition>();
const updates = new Map<string, Update>();

/** @param item empty when there is none. */
export function holds(expression: string | undefined, item: Item, bindings: Bindings): boolean {
  if (expression === undefined) return true;
  let condition = conditions.get(expression);
  if (!condition) {
    const parser = new Parser(expression);
    condition = parser.either();
    parser.end();
    conditions.set(expression, condition);
  }
  return condition(item, bindings);
}

export function updated(expression: string, item: Item, bindings: Bindings): Item {
  let update = updates.get(expression);
  if (!update) {
    update = new Parser(expression).update();
    updates.set(expression, update);
  }
  return update(item, bindings);
}

const tokenPattern = /\s*(<>|<=|>=|[=<>(),+-]|[#:]?[A-Za-z_]\w*)/gy;

class Parser {
  readonly #tokens: string[] = [];
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    const trimmed = text.trimEnd();
    tokenPattern.lastIndex = 0;
    while (tokenPattern.lastIndex < trimmed.length) {
      const match = tokenPattern.exec(trimmed);
      if (!match?.[1]) throw new Error(`the simulated table cannot read: ${text}`);
      this.#tokens.push(match[1]);
    }
  }

  end(): void {
    if (this.#at < this.#tokens.length) this.#fail();
  }

  either(): Condition {
    const left = this.both();
    if (!this.#took("OR")) return left;
    const right = this.either();
    return (item, bindings) => left(item, bindings) || right(item, bindings);
  }

  both(): Condition {
    const left = this.single();
    if (!this.#took("AND")) return left;
    const right = this.both();
    return (item, bindings) => left(item, bindings) && right(item, bindings);
  }

  single(): Condition {
    if (this.#took("NOT")) {
      const negated = this.single();
      return (item, bindings) => !negated(item, bindings);
    }
    if (this.#took("(")) {
      const inner = this.either();
      this.#expect(")");
      return inner;
    }
    const word = this.#tokens[this.#at];
    if (word === "attribute_not_exists" || word === "attribute_exists") {
      this.#at += 1;
      this.#expect("(");
      const path = this.operand();
      this.#expect(")");
      const wanted = word === "attribute_exists";
      return (item, bindings) => (path(item, bindings) !== undefined) === wanted;
    }
    if (this.#took("begins_with")) {
      const [path, prefix] = this.#pair();
      return (item, bindings) =>
        String(path(item, bindings)).startsWith(String(prefix(item, bindings)));
    }
    if (this.#took("contains")) {
      const [path, part] = this.#pair();
      return (item, bindings) => contains(path(item, bindings), part(item, bindings));
    }
    const left = this.operand();
    if (this.#took("IN")) {
      const options: Operand[] = [];
      this.#expect("(");
      do options.push(this.operand());
      while (this.#took(","));
      this.#expect(")");
      return (item, bindings) =>
        options.some((option) => compare(left(item, bindings), "=", option(item, bindings)));
    }
    if (this.#took("BETWEEN")) {
      const first = this.operand();
      this.#expect("AND");
      const last = this.operand();
      return (item, bindings) =>
        compare(left(item, bindings), ">=", first(item, bindings)) &&
        compare(left(item, bindings), "<=", last(item, bindings));
    }
    const operator = this.#take();
    const right = this.operand();
    return (item, bindings) => compare(left(item, bindings), operator, right(item, bindings));
  }

  operand(): Operand {
    const token = this.#take();
    if (token === "if_not_exists") {
      const [path, otherwise] = this.#pair();
      return (item, bindings) => path(item, bindings) ?? otherwise(item, bindings);
    }
    if (token.startsWith(":")) return (_, { values }) => bound(values, token);
    return (item, { names }) => item[token.startsWith("#") ? bound(names, token) : token];
  }

  update(): Update {
    const steps: ((before: Item, after: Record<string, unknown>, bindings: Bindings) => void)[] =
      [];
    let clause = "";
    const clauses = new Set<string>();
    while (this.#at < this.#tokens.length) {
      if (["SET", "REMOVE", "ADD"].includes(this.#tokens[this.#at] ?? "")) {
        clause = this.#take();
        if (clauses.has(clause)) this.#fail();
        clauses.add(clause);
      }
      const path = this.#take();
      const nameOf = ({ names }: Bindings) => (path.startsWith("#") ? bound(names, path) : path);
      if (clause === "REMOVE") {
        steps.push((_, after, bindings) => delete after[nameOf(bindings)]);
      } else if (clause === "SET") {
        this.#expect("=");
        const value = this.#sum();
        steps.push((before, after, bindings) => {
          after[nameOf(bindings)] = value(before, bindings);
        });
      } else if (clause === "ADD") {
        const value = this.operand();
        steps.push((before, after, bindings) => {
          after[nameOf(bindings)] = added(before[nameOf(bindings)], value(before, bindings));
        });
      } else this.#fail();
      this.#took(",");
    }
    return (item, bindings) => {
      const after = { ...item };
      for (const step of steps) step(item, after, bindings);
      return after;
    };
  }

  #sum(): Operand {
    const left = this.operand();
    const sign = this.#tokens[this.#at];
    if (sign !== "+" && sign !== "-") return left;
    this.#at += 1;
    const right = this.operand();
    return (item, bindings) => {
      const [a, b] = [left(item, bindings) as bigint, right(item, bindings) as bigint];
      return sign === "+" ? a + b : a - b;
    };
  }

  #pair(): [Operand, Operand] {
    this.#expect("(");
    const first = this.operand();
    this.#expect(",");
    const second = this.operand();
    this.#expect(")");
    return [first, second];
  }

  #take(): string {
    const token = this.#tokens[this.#at];
    if (token === undefined) return this.#fail();
    this.#at += 1;
    return token;
  }

  #took(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at += 1;
    return true;
  }

  #expect(token: string): void {
    if (!this.#took(token)) this.#fail();
  }

  #fail(): never {
    throw new Error(`the simulated table cannot read: ${this.#text}`);
  }
}

function bound<Value>(bindings: Readonly<Record<string, Value>>, token: string): Value {
  const value = bindings[token];
  if (value === undefined) throw new Error(`ValidationException: ${token} is not bound`);
  return value;
}

/** Numbers add up, sets unite. */
function added(before: unknown, value: unknown): unknown {
  if (value instanceof Set) return new Set([...((before ?? []) as Iterable<unknown>), ...value]);
  return ((before ?? 0n) as bigint) + (value as bigint);
}

function contains(whole: unknown, part: unknown): boolean {
  if (whole instanceof Set) return whole.has(part);
  if (Array.isArray(whole)) return whole.includes(part);
  return typeof whole === "string" && whole.includes(String(part));
}

/** DynamoDB refuses what binds a name or a value that no expression speaks of. */
export function checkBound(expressions: string, { names, values }: Bindings): void {
  const spoken = new Set(expressions.match(/[#:]\w+/g));
  for (const token of [...Object.keys(names), ...Object.keys(values)]) {
    if (!spoken.has(token)) throw new Error(`ValidationException: ${token} is bound, not used`);
  }
}

/** A missing attribute, or one of another type, compares with nothing. */
function compare(left: unknown, operator: string, right: unknown): boolean {
  if (typeof left !== typeof right || left === undefined) return false;
  const [a, b] = [left as string, right as string];
  switch (operator) {
    case "=":
      return a === b;
    case "<>":
      return a !== b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
    default:
      throw new Error(`the simulated table cannot read the operator ${operator}`);
  }
}
