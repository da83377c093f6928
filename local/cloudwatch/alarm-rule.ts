export type AlarmState = "OK" | "ALARM" | "INSUFFICIENT_DATA";

/** What a composite alarm says of other alarms. */
export interface AlarmRule {
  /** Names of the alarms that it looks at. */
  readonly names: readonly string[];
  holds(stateOf: (name: string) => AlarmState): boolean;
}

type Condition = AlarmRule["holds"];

/** `ALARM("a") OR (OK(b) AND NOT INSUFFICIENT_DATA("c"))`. @throws for anything else. */
export function parseAlarmRule(text: string): AlarmRule {
  const tokens = text.match(/"[^"]*"|[()]|[^\s()"]+/g) ?? [];
  const names: string[] = [];
  let at = 0;
  const fail = (): never => {
    const where = tokens[at] === undefined ? "its end" : tokens[at];
    throw new Error(`alarm rule: cannot read ${JSON.stringify(text)} at ${where}`);
  };
  const take = (token: string) => {
    if (tokens[at] !== token) return false;
    at += 1;
    return true;
  };

  const any = (): Condition => {
    const alternatives = [all()];
    while (take("OR")) alternatives.push(all());
    return (stateOf) => alternatives.some((holds) => holds(stateOf));
  };
  const all = (): Condition => {
    const conditions = [one()];
    while (take("AND")) conditions.push(one());
    return (stateOf) => conditions.every((holds) => holds(stateOf));
  };
  const one = (): Condition => {
    if (take("NOT")) {
      const negated = one();
      return (stateOf) => !negated(stateOf);
    }
    if (take("TRUE")) return () => true;
    if (take("FALSE")) return () => false;
    if (take("(")) {
      const inner = any();
      if (!take(")")) fail();
      return inner;
    }
    const state = tokens[at];
    if (state !== "ALARM" && state !== "OK" && state !== "INSUFFICIENT_DATA") return fail();
    at += 1;
    if (!take("(")) fail();
    const name = alarmName(tokens[at] ?? fail());
    at += 1;
    if (!take(")")) fail();
    names.push(name);
    return (stateOf) => stateOf(name) === state;
  };

  const holds = any();
  if (at < tokens.length) fail();
  return { names, holds };
}

/** Rules name alarms, or their ARNs, with or without quotation marks. */
function alarmName(token: string): string {
  return token.replace(/^"|"$/g, "").replace(/^arn:.*:alarm:/, "");
}
