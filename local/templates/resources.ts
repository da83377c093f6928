import type { Assembly, Stack, TemplateResource } from "./assembly.ts";
import { noValue, resolve, type Scope } from "./intrinsics.ts";
import {
  type Addresses,
  account,
  identify,
  isInert,
  isRunning,
  nameProperty,
  region,
} from "./resource-types.ts";

/** A resource with every intrinsic function of its properties evaluated. */
export interface Resource {
  readonly stack: string;
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** `Stack/LogicalId (Type)`, for messages. */
export function describe(resource: Pick<Resource, "stack" | "logicalId" | "type">): string {
  return `${resource.stack}/${resource.logicalId} (${resource.type})`;
}

/**
 * Every resource of every stack that has something to run, in template order.
 * A type that is neither known nor on the list of types with nothing to run is an error.
 */
export function resolveResources(assembly: Assembly, addresses: Addresses): Resource[] {
  refuseUnknownTypes(assembly);
  const scopes = createScopes(assembly, addresses);
  return assembly.stacks.flatMap((stack) => {
    const scope = scopeOf(scopes, stack.name);
    return Object.entries(stack.template.Resources ?? {})
      .filter(([, resource]) => isRunning(resource.Type) && exists(resource, scope))
      .map(([logicalId, resource]) => resolveResource(stack, logicalId, resource, scope));
  });
}

function refuseUnknownTypes(assembly: Assembly): void {
  const unknown = assembly.stacks.flatMap((stack) =>
    Object.entries(stack.template.Resources ?? {})
      .filter(([, { Type }]) => !isRunning(Type) && !isInert(Type))
      .map(([logicalId, { Type }]) => describe({ stack: stack.name, logicalId, type: Type })),
  );
  if (unknown.length === 0) return;
  throw new Error(
    `the embedded cloud does not know how to run ${unknown.join(", ")}; ` +
      "teach it the type, or list it as one with nothing to run, in " +
      "local/templates/resource-types.ts",
  );
}

function exists(resource: TemplateResource, scope: Scope): boolean {
  return resource.Condition === undefined || scope.condition(resource.Condition);
}

function resolveResource(
  stack: Stack,
  logicalId: string,
  resource: TemplateResource,
  scope: StackScope,
): Resource {
  const where = { stack: stack.name, logicalId, type: resource.Type };
  try {
    const properties = resolve(resource.Properties ?? {}, scope) as Record<string, unknown>;
    const { ref, attributes } = identityOf(where, resource, scope, scope.addresses);
    return { ...where, properties, ref, attributes };
  } catch (cause) {
    throw new Error(`${describe(where)}: ${(cause as Error).message}`, { cause });
  }
}

function identityOf(
  where: { stack: string; logicalId: string; type: string },
  resource: TemplateResource,
  scope: Scope,
  addresses: Addresses,
) {
  const read = (property: string) => {
    const value = resource.Properties?.[property];
    return value === undefined ? undefined : resolve(value, scope);
  };
  const name = read(nameProperty(where.type) ?? "");
  const generated = `${where.stack}-${where.logicalId}`;
  const known = typeof name === "string" ? name : generated;
  return identify(where.type, known, addresses, read);
}

interface StackScope extends Scope {
  readonly addresses: Addresses;
}

function scopeOf(scopes: ReadonlyMap<string, StackScope>, stackName: string): StackScope {
  const scope = scopes.get(stackName);
  if (scope === undefined) throw new Error(`there is no stack ${stackName}`);
  return scope;
}

function createScopes(assembly: Assembly, addresses: Addresses): Map<string, StackScope> {
  const scopes = new Map<string, StackScope>();
  const output = (stackName: string, outputName: string) => {
    const stack = assembly.stacks.find(({ name }) => name === stackName);
    const found = stack?.template.Outputs?.[outputName];
    if (found === undefined) throw new Error(`stack ${stackName} has no output ${outputName}`);
    return resolve(found.Value, scopeOf(scopes, stackName));
  };
  const importValue = (exportName: string) => {
    for (const stack of assembly.stacks) {
      const scope = scopeOf(scopes, stack.name);
      for (const candidate of Object.values(stack.template.Outputs ?? {})) {
        if (candidate.Export === undefined) continue;
        if (resolve(candidate.Export.Name, scope) === exportName) {
          return resolve(candidate.Value, scope);
        }
      }
    }
    throw new Error(`no stack exports ${exportName}`);
  };
  for (const stack of assembly.stacks) {
    scopes.set(stack.name, createScope(stack, addresses, importValue, output));
  }
  return scopes;
}

function createScope(
  stack: Stack,
  addresses: Addresses,
  importValue: Scope["importValue"],
  stackOutput: Scope["stackOutput"],
): StackScope {
  const { template } = stack;
  const pseudo: Readonly<Record<string, unknown>> = {
    "AWS::AccountId": account,
    "AWS::NoValue": noValue,
    "AWS::NotificationARNs": [],
    "AWS::Partition": "aws",
    "AWS::Region": region,
    "AWS::StackId": `arn:aws:cloudformation:${region}:${account}:stack/${stack.name}/local`,
    "AWS::StackName": stack.name,
    "AWS::URLSuffix": "amazonaws.com",
  };
  const identity = (logicalId: string) => {
    const resource = template.Resources?.[logicalId];
    if (resource === undefined) throw new Error(`${stack.name} has no resource ${logicalId}`);
    const where = { stack: stack.name, logicalId, type: resource.Type };
    return identityOf(where, resource, scope, addresses);
  };
  const scope: StackScope = {
    account,
    addresses,
    importValue,
    region,
    stackOutput,
    ref: (name) => {
      if (Object.hasOwn(pseudo, name)) return pseudo[name];
      const parameter = template.Parameters?.[name];
      return parameter === undefined ? identity(name).ref : parameter.Default;
    },
    attribute: (logicalId, attribute) => {
      const value = identity(logicalId).attributes[attribute];
      if (value !== undefined) return value;
      const type = template.Resources?.[logicalId]?.Type ?? "unknown";
      const where = describe({ stack: stack.name, logicalId, type });
      throw new Error(`the embedded cloud knows no attribute ${attribute} of ${where}`);
    },
    condition: (name) => {
      const condition = template.Conditions?.[name];
      if (condition === undefined) throw new Error(`${stack.name} has no condition ${name}`);
      return Boolean(resolve(condition, scope));
    },
    mapping: (map, key, secondKey) => {
      const value = template.Mappings?.[map]?.[key]?.[secondKey];
      if (value === undefined) throw new Error(`no mapping ${map}.${key}.${secondKey}`);
      return value;
    },
  };
  return scope;
}
