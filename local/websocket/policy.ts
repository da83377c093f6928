import { z } from "zod";

const texts = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const statementShape = z.object({
  Action: texts,
  Effect: z.enum(["Allow", "Deny"]),
  Resource: texts,
});
const answerShape = z.object({
  principalId: z.coerce.string(),
  policyDocument: z.object({
    Statement: z.union([statementShape, z.array(statementShape)]),
  }),
  context: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

export type PolicyVerdict =
  | { readonly kind: "allowed"; readonly context: Readonly<Record<string, string>> }
  | { readonly kind: "denied" }
  | { readonly kind: "malformed" };

/** What an authorizer's answer means for `methodArn`: a denial goes before everything else. */
export function readPolicy(answer: unknown, methodArn: string): PolicyVerdict {
  const result = answerShape.safeParse(answer);
  if (!result.success) return { kind: "malformed" };
  const { principalId, policyDocument, context = {} } = result.data;
  const fitting = [policyDocument.Statement]
    .flat()
    .filter(({ Action }) => Action.some((action) => matches(action, "execute-api:Invoke")))
    .filter(({ Resource }) => Resource.some((resource) => matches(resource, methodArn)));
  const allowed = fitting.some(({ Effect }) => Effect === "Allow");
  if (!allowed || fitting.some(({ Effect }) => Effect === "Deny")) return { kind: "denied" };
  // Functions see every value as text.
  const values = Object.entries(context).map(([name, value]) => [name, String(value)]);
  return { kind: "allowed", context: { ...Object.fromEntries(values), principalId } };
}

/** `*` stands for any text, `?` for one character. */
function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "is").test(text);
}
