/** The value of another metric of the same alarm, in one period; undefined if there is none. */
export type Lookup = (id: string) => number | undefined;

/** CloudWatch's metric math, for one period. */
export type Expression = (lookup: Lookup) => number | undefined;

type Value = number | undefined;
/** Arrays of metrics are what functions take; a missing value takes no part in them. */
type Term = (lookup: Lookup) => readonly Value[];

const functions: Readonly<Record<string, (values: readonly number[]) => number>> = {
  AVG: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  MAX: (values) => Math.max(...values),
  MIN: (values) => Math.min(...values),
  SUM: (values) => values.reduce((sum, value) => sum + value, 0),
};

const operators: Readonly<Record<string, (left: number, right: number) => number>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
};

/**
 * Numbers, ids, `+ - * /`, brackets, `MAX([a, b])`, `MIN`, `SUM`, `AVG` and `FILL(a, 0)`.
 * @throws for anything else, with the expression: an alarm must not silently never ring.
 */
export function parseExpression(text: string, ids: ReadonlySet<string>): Expression {
  const tokens = text.match(/[A-Za-z_]\w*|\d+(?:\.\d+)?|\S/g) ?? [];
  let at = 0;
  const fail = (): never => {
    const where = tokens[at] === undefined ? "its end" : JSON.stringify(tokens[at]);
    throw new Error(`metric math: cannot read ${JSON.stringify(text)} at ${where}`);
  };
  const take = (token: string) => {
    if (tokens[at] !== token) return false;
    at += 1;
    return true;
  };
  const expect = (token: string) => take(token) || fail();

  const binary = (next: () => Term, signs: readonly string[]): Term => {
    let left = next();
    for (let sign = signs.find(take); sign !== undefined; sign = signs.find(take)) {
      left = combine(left, next(), operators[sign] ?? fail());
    }
    return left;
  };
  const sum = (): Term => binary(product, ["+", "-"]);
  const product = (): Term => binary(operand, ["*", "/"]);
  const list = (): Term => {
    const items = [sum()];
    while (take(",")) items.push(sum());
    expect("]");
    return (lookup) => items.flatMap((item) => item(lookup));
  };
  const operand = (): Term => {
    if (take("(")) {
      const inner = sum();
      expect(")");
      return inner;
    }
    if (take("[")) return list();
    const token = tokens[at] ?? fail();
    if (/^\d/.test(token)) {
      at += 1;
      return () => [Number(token)];
    }
    if (token === "FILL" || functions[token] !== undefined) return call(token);
    if (!ids.has(token)) return fail();
    at += 1;
    return (lookup) => [lookup(token)];
  };
  const call = (name: string): Term => {
    at += 1;
    expect("(");
    // Of a single metric these are one number over all of time, which no alarm needs.
    if (name !== "FILL" && tokens[at] !== "[") fail();
    const argument = sum();
    if (name === "FILL") {
      expect(",");
      const filler = sum();
      expect(")");
      return (lookup) => argument(lookup).map((value) => value ?? filler(lookup)[0]);
    }
    expect(")");
    return (lookup) => {
      const values = argument(lookup).filter((value) => value !== undefined);
      return [values.length === 0 ? undefined : functions[name]?.(values)];
    };
  };

  const whole = sum();
  if (at < tokens.length) fail();
  return (lookup) => whole(lookup)[0];
}

function combine(left: Term, right: Term, operator: (left: number, right: number) => number): Term {
  return (lookup) => {
    const [[a], [b]] = [left(lookup), right(lookup)];
    return [a === undefined || b === undefined ? undefined : operator(a, b)];
  };
}
