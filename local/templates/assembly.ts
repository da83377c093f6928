import { readFileSync } from "node:fs";
import { join } from "node:path";

/** One CloudFormation template as CDK wrote it. */
export interface Template {
  readonly Resources?: Record<string, TemplateResource>;
  readonly Outputs?: Record<string, TemplateOutput>;
  readonly Parameters?: Record<string, { readonly Default?: unknown }>;
  readonly Conditions?: Record<string, unknown>;
  readonly Mappings?: Record<string, Record<string, Record<string, unknown>>>;
}

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Record<string, unknown>;
  readonly Condition?: string;
}

interface TemplateOutput {
  readonly Value: unknown;
  readonly Export?: { readonly Name: unknown };
  readonly Condition?: string;
}

export interface Stack {
  readonly name: string;
  readonly template: Template;
}

export interface Assembly {
  readonly stacks: readonly Stack[];
  /** From the S3 key in a template to the folder or file that CDK staged for it. */
  readonly assets: ReadonlyMap<string, string>;
}

interface Manifest {
  readonly artifacts?: Record<
    string,
    {
      readonly type: string;
      readonly properties?: {
        readonly templateFile?: string;
        readonly stackName?: string;
        readonly file?: string;
        readonly directoryName?: string;
      };
    }
  >;
}

interface AssetManifest {
  readonly files?: Record<
    string,
    {
      readonly source: { readonly path?: string };
      readonly destinations: Record<string, { readonly objectKey: string }>;
    }
  >;
}

/** Reads a cloud assembly (`cdk.out`), with the assemblies of nested stages. */
export function readAssembly(directory: string): Assembly {
  const stacks: Stack[] = [];
  const assets = new Map<string, string>();
  collect(directory, stacks, assets);
  if (stacks.length === 0) throw new Error(`${directory} holds no stack`);
  return { stacks, assets };
}

function collect(directory: string, stacks: Stack[], assets: Map<string, string>): void {
  const manifest = readJson<Manifest>(join(directory, "manifest.json"));
  for (const [id, artifact] of Object.entries(manifest.artifacts ?? {})) {
    const properties = artifact.properties ?? {};
    if (artifact.type === "aws:cloudformation:stack" && properties.templateFile) {
      const template = readJson<Template>(join(directory, properties.templateFile));
      stacks.push({ name: properties.stackName ?? id, template });
    } else if (artifact.type === "cdk:asset-manifest" && properties.file) {
      collectAssets(directory, readJson<AssetManifest>(join(directory, properties.file)), assets);
    } else if (artifact.type === "cdk:cloud-assembly" && properties.directoryName) {
      collect(join(directory, properties.directoryName), stacks, assets);
    }
  }
}

function collectAssets(directory: string, manifest: AssetManifest, assets: Map<string, string>) {
  for (const file of Object.values(manifest.files ?? {})) {
    if (file.source.path === undefined) continue;
    for (const destination of Object.values(file.destinations)) {
      assets.set(destination.objectKey, join(directory, file.source.path));
    }
  }
}

function readJson<T>(file: string): T {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch (cause) {
    throw new Error(`cannot read ${file}; synthesize the application again`, { cause });
  }
}
