// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation writes them in strings
import { describe, expect, test } from "vitest";
import type { Assembly, Template } from "../../../local/templates/assembly.ts";
import { resolveResources } from "../../../local/templates/resources.ts";

const addresses = { httpApiUrl: "http://127.0.0.1:1", sqsUrl: "http://127.0.0.1:2" };
const table = { Type: "AWS::DynamoDB::Table" };

/** Resolves `value` as a property of a resource, beside a table `Store` and another stack. */
function resolved(value: unknown, template: Template = {}) {
  const other: Template = {
    Resources: { Elsewhere: table },
    Outputs: {
      Out: {
        Value: { Ref: "Elsewhere" },
        Export: { Name: { "Fn::Sub": "${AWS::StackName}:Out" } },
      },
    },
  };
  const main: Template = {
    Conditions: {
      Never: { "Fn::Equals": ["a", "b"] },
      Always: { "Fn::Not": [{ Condition: "Never" }] },
    },
    Mappings: { Sizes: { small: { mb: 128 } } },
    Parameters: { Version: { Default: "v1" } },
    ...template,
    Resources: {
      ...template.Resources,
      Store: { Type: "AWS::DynamoDB::Table", Properties: { TableName: "store" } },
      Subject: { Type: "AWS::Events::Rule", Properties: { value } },
    },
  };
  const assembly: Assembly = {
    stacks: [
      { name: "Main", template: main },
      { name: "Other", template: other },
    ],
    assets: new Map(),
  };
  const subject = resolveResources(assembly, addresses).find((one) => one.logicalId === "Subject");
  return subject?.properties.value;
}

describe("intrinsic functions", () => {
  test.each<[string, unknown, unknown]>([
    ["a literal", { a: [1, "b", null] }, { a: [1, "b", null] }],
    ["Ref", { Ref: "Store" }, "store"],
    ["Ref to a parameter", { Ref: "Version" }, "v1"],
    ["Ref to a pseudo parameter", { Ref: "AWS::Region" }, "us-east-1"],
    [
      "Fn::GetAtt",
      { "Fn::GetAtt": ["Store", "Arn"] },
      "arn:aws:dynamodb:us-east-1:000000000000:table/store",
    ],
    ["Fn::GetAtt as text", { "Fn::GetAtt": "Store.TableId" }, "store"],
    ["Fn::Join", { "Fn::Join": ["-", ["a", { Ref: "Store" }]] }, "a-store"],
    [
      "Fn::Sub",
      { "Fn::Sub": "${AWS::AccountId}/${Store}/${Store.TableId}/${!kept}" },
      "000000000000/store/store/${kept}",
    ],
    ["Fn::Sub with variables", { "Fn::Sub": ["${x}", { x: { Ref: "Store" } }] }, "store"],
    ["Fn::Select and Fn::Split", { "Fn::Select": [1, { "Fn::Split": ["/", "a/b/c"] }] }, "b"],
    ["Fn::ImportValue", { "Fn::ImportValue": "Other:Out" }, "Other-Elsewhere"],
    ["Fn::FindInMap", { "Fn::FindInMap": ["Sizes", "small", "mb"] }, 128],
    ["Fn::If", { "Fn::If": ["Always", "yes", { Ref: "Nothing" }] }, "yes"],
    ["AWS::NoValue in an object", { a: 1, b: { Ref: "AWS::NoValue" } }, { a: 1 }],
    ["AWS::NoValue in a list", [1, { "Fn::If": ["Never", 2, { Ref: "AWS::NoValue" }] }], [1]],
    [
      "a key that is called Condition",
      { Condition: { StringEquals: {} } },
      { Condition: { StringEquals: {} } },
    ],
  ])("%s", (_name, value, expected) => {
    expect(resolved(value)).toEqual(expected);
  });

  test.each<[string, unknown, string]>([
    [
      "an unknown function",
      { "Fn::Cidr": [] },
      "Main/Subject (AWS::Events::Rule): unknown intrinsic function Fn::Cidr",
    ],
    ["a reference to nothing", { Ref: "Nothing" }, "Main has no resource Nothing"],
    [
      "an unknown attribute",
      { "Fn::GetAtt": ["Store", "StreamArn"] },
      "no attribute StreamArn of Main/Store",
    ],
    ["an import of nothing", { "Fn::ImportValue": "x" }, "no stack exports x"],
  ])("refuses %s", (_name, value, message) => {
    expect(() => resolved(value)).toThrow(message);
  });

  test("leaves out resources whose condition does not hold", () => {
    const Resources = { Gone: { ...table, Condition: "Never" } };
    const assembly: Assembly = {
      stacks: [
        { name: "S", template: { Resources, Conditions: { Never: { "Fn::Equals": [1, 2] } } } },
      ],
      assets: new Map(),
    };
    expect(resolveResources(assembly, addresses)).toEqual([]);
  });
});
