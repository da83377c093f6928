import { randomInt, randomUUID } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { AwsError, type Operation } from "./aws-json-server.ts";
import { boolean, number, readProperties } from "./templates/properties.ts";
import { nameProperty } from "./templates/resource-types.ts";
import type { Resource } from "./templates/resources.ts";

const generateShape = z.strictObject({
  SecretStringTemplate: z.string().optional(),
  GenerateStringKey: z.string().optional(),
  PasswordLength: number.default(32),
  ExcludeCharacters: z.string().default(""),
  ExcludeLowercase: boolean.default(false),
  ExcludeNumbers: boolean.default(false),
  ExcludePunctuation: boolean.default(false),
  ExcludeUppercase: boolean.default(false),
  IncludeSpace: boolean.default(false),
  RequireEachIncludedType: boolean.default(true),
});
const secretShape = {
  Name: z.string().optional(),
  SecretString: z.string().optional(),
  GenerateSecretString: generateShape.optional(),
};
const ignored = ["Description", "KmsKeyId", "Tags"];

interface StoredSecret {
  readonly value: string;
  readonly versionId: string;
  readonly createdAtMs: number;
}

export interface Secrets {
  /** `secretsmanager.*` operations of the wire protocol. */
  readonly operations: Readonly<Record<string, Operation>>;
  /** The value, by ARN or name. */
  value(id: string): string;
}

/** The values kept in the file, in the order in which they were generated. */
export function readSecretValues(file: string): string[] {
  const stored: Record<string, StoredSecret> = JSON.parse(readFileSync(file, "utf8"));
  return Object.values(stored).map(({ value }) => value);
}

/** Values are generated once for a data folder, following the template, and kept in one file. */
export function openSecrets(file: string, resources: readonly Resource[]): Secrets {
  const stored: Record<string, StoredSecret> = existsSync(file)
    ? JSON.parse(readFileSync(file, "utf8"))
    : {};
  const before = JSON.stringify(stored);
  for (const resource of resources) {
    const properties = readProperties(resource, secretShape, ignored);
    if (stored[resource.ref] !== undefined) continue;
    const value = properties.SecretString ?? generate(properties.GenerateSecretString);
    stored[resource.ref] = { value, versionId: randomUUID(), createdAtMs: Date.now() };
  }
  if (JSON.stringify(stored) !== before) {
    writeFileSync(`${file}.new`, JSON.stringify(stored, undefined, 2), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  const arns = new Map(resources.flatMap((resource) => idsOf(resource)));
  const find = (id: unknown) => {
    const arn = arns.get(String(id));
    const secret = arn === undefined ? undefined : stored[arn];
    if (arn !== undefined && secret !== undefined) return { arn, secret };
    const message = "Secrets Manager can't find the specified secret.";
    throw new AwsError("ResourceNotFoundException", message);
  };
  return {
    value: (id) => find(id).secret.value,
    operations: {
      "secretsmanager.GetSecretValue": ({ SecretId }) => {
        const { arn, secret } = find(SecretId);
        return {
          ARN: arn,
          Name: nameOf(arn),
          SecretString: secret.value,
          VersionId: secret.versionId,
          VersionStages: ["AWSCURRENT"],
          CreatedDate: secret.createdAtMs / 1000,
        };
      },
      "secretsmanager.DescribeSecret": ({ SecretId }) => {
        const { arn, secret } = find(SecretId);
        const VersionIdsToStages = { [secret.versionId]: ["AWSCURRENT"] };
        return { ARN: arn, Name: nameOf(arn), VersionIdsToStages };
      },
    },
  };
}

function idsOf(resource: Resource): [string, string][] {
  const property = nameProperty(resource.type) ?? "Name";
  const name = resource.properties[property] ?? nameOf(resource.ref);
  return [
    [resource.ref, resource.ref],
    [String(name), resource.ref],
  ];
}

function nameOf(arn: string): string {
  return arn.replace(/^.*:secret:/, "").replace(/-[^-]{6}$/, "");
}

function generate(options: z.infer<typeof generateShape> = generateShape.parse({})): string {
  const password = generatePassword(options);
  const { SecretStringTemplate: template, GenerateStringKey: key } = options;
  if (template === undefined || key === undefined) return password;
  return JSON.stringify({ ...JSON.parse(template), [key]: password });
}

function generatePassword(options: z.infer<typeof generateShape>): string {
  const excluded = new Set(options.ExcludeCharacters);
  const classes = [
    options.ExcludeLowercase ? "" : "abcdefghijklmnopqrstuvwxyz",
    options.ExcludeUppercase ? "" : "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    options.ExcludeNumbers ? "" : "0123456789",
    options.ExcludePunctuation ? "" : "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    options.IncludeSpace ? " " : "",
  ]
    .map((characters) => [...characters].filter((character) => !excluded.has(character)))
    .filter((characters) => characters.length > 0);
  const alphabet = classes.flat();
  if (alphabet.length === 0) throw new Error("a generated secret excludes every character");
  while (true) {
    const password = Array.from({ length: options.PasswordLength }, () => {
      return alphabet[randomInt(alphabet.length)];
    });
    const complete = classes.every((characters) => {
      return characters.some((character) => password.includes(character));
    });
    if (complete || !options.RequireEachIncludedType) return password.join("");
    // Too short to hold one of each: no draw can succeed.
    if (classes.length > options.PasswordLength) {
      throw new Error("a generated secret is too short to hold every type of character");
    }
  }
}
