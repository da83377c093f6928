import type { Template } from "aws-cdk-lib/assertions";

// biome-ignore lint/suspicious/noExplicitAny: CloudFormation's properties are as deep as they are.
export type Properties = Record<string, any>;

export interface Resource {
  readonly id: string;
  readonly properties: Properties;
  readonly deletionPolicy: string | undefined;
}

export function resourcesOf(templates: readonly Template[], type: string): Resource[] {
  return templates.flatMap((template) =>
    Object.entries(template.findResources(type)).map(([id, resource]) => ({
      id,
      properties: resource.Properties ?? {},
      deletionPolicy: resource.DeletionPolicy,
    })),
  );
}

/** An intrinsic in words: the readable part of the logical id it leads to, across stacks. */
export function reader(templates: readonly Template[]): (value: unknown) => string {
  const exported = new Map(
    templates.flatMap((template) =>
      Object.values(template.findOutputs("*")).flatMap((output) =>
        output.Export ? [[output.Export.Name as string, output.Value] as const] : [],
      ),
    ),
  );
  const read = (value: unknown): string => {
    if (typeof value === "string") return value;
    const [[name, argument] = ["", undefined]] = Object.entries(value as Properties);
    switch (name) {
      case "Ref":
        return readable(argument);
      case "Fn::GetAtt":
        return readable(argument[0]);
      case "Fn::ImportValue":
        return read(exported.get(argument) ?? argument);
      case "Fn::Join":
        return argument[1].map(read).join(argument[0]);
      default:
        throw new Error(`cannot read ${JSON.stringify(value)}`);
    }
  };
  return read;
}

/** Without the hash that the CDK appends. */
const readable = (logicalId: string) => logicalId.replace(/[0-9A-F]{8}$/, "");

/** "pennyline-local-count-engagements" to "count-engagements". */
export function shortName(name: string): string {
  return name.replace(/^pennyline-[a-z]+-/, "");
}

export function statementsOf(document: Properties): Properties[] {
  return document.Statement;
}

export const listOf = (value: unknown): string[] => [value].flat() as string[];
