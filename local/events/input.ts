import { z } from "zod";

export const inputShape = {
  Input: z.string().optional(),
  InputPath: z.string().optional(),
  InputTransformer: z
    .strictObject({
      InputPathsMap: z.record(z.string(), z.string()).default({}),
      InputTemplate: z.string(),
    })
    .optional(),
};

export interface TargetInput {
  readonly Input?: string | undefined;
  readonly InputPath?: string | undefined;
  readonly InputTransformer?:
    | { readonly InputPathsMap: Readonly<Record<string, string>>; readonly InputTemplate: string }
    | undefined;
}

/** Makes what a target receives of an event, given as text and parsed. */
export type MakeInput = (eventText: string, event: unknown) => string;

export function compileInput(target: TargetInput, ruleArn: string): MakeInput {
  const { Input: constant, InputPath: path, InputTransformer: transformer } = target;
  if (constant !== undefined) return () => constant;
  if (path !== undefined) {
    const read = compilePath(path);
    return (_text, event) => JSON.stringify(read(event) ?? {});
  }
  if (transformer === undefined) return (text) => text;
  const variables = new Map(
    Object.entries(transformer.InputPathsMap).map(([name, from]) => [name, compilePath(from)]),
  );
  return (text, event) =>
    transformer.InputTemplate.replace(/("?)<([^<>]+)>("?)/g, (whole, open, name, close) => {
      if (name === "aws.events.event" || name === "aws.events.event.json") return text;
      if (name === "aws.events.rule-arn") return `${open}${ruleArn}${close}`;
      const read = variables.get(name);
      if (read === undefined) return whole;
      const value = read(event);
      // Inside quotation marks of the template a value is text; outside it is JSON.
      if (open === "" || close === "") return `${open}${JSON.stringify(value ?? null)}${close}`;
      return JSON.stringify(typeof value === "string" ? value : JSON.stringify(value ?? ""));
    });
}

/** `$`, `$.detail`, `$.detail.items[0]`: the JSONPath that EventBridge knows. */
function compilePath(path: string): (event: unknown) => unknown {
  if (!/^\$(\.[\w-]+|\[\d+\])*$/.test(path)) throw new Error(`unknown event path ${path}`);
  const steps = [...path.matchAll(/\.([\w-]+)|\[(\d+)\]/g)].map(([, key, index]) => key ?? index);
  return (event) => {
    let value = event;
    for (const step of steps) {
      if (typeof value !== "object" || value === null) return undefined;
      value = (value as Record<string, unknown>)[step as string];
    }
    return value;
  };
}
