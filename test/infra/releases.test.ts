import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSettings } from "../../lib/settings.ts";
import {
  listOf,
  type Properties,
  reader,
  resourcesOf,
  shortName,
  statementsOf,
} from "./support/resources.ts";
import {
  contextOf,
  newApp,
  removeSynthesized,
  settingsOf,
  synthesize,
  type Templates,
} from "./support/synthesize.ts";

const released = [
  "accept-engagements",
  "accept-publisher-engagements",
  "issue-view-token",
  "request-job",
];

let local: Templates;
let prod: Templates;
beforeAll(() => {
  local = synthesize("local");
  prod = synthesize("prod");
});
afterAll(removeSynthesized);

const templateOf = ({ api }: Templates, type: string): Properties[] =>
  Object.values(api.findResources(type));
const groupOf = (templates: Templates, name: string) =>
  resourcesOf([templates.api], "AWS::CodeDeploy::DeploymentGroup").find(
    ({ properties }) => shortName(properties.DeploymentGroupName) === name,
  ) ?? expect.unreachable(`${name} has no deployment group`);

test("just the functions that accept get new code by and by", () => {
  const groups = resourcesOf(prod.all, "AWS::CodeDeploy::DeploymentGroup");
  const names = groups.map(({ properties }) => shortName(properties.DeploymentGroupName));
  expect(names.sort()).toEqual(released);
  expect(resourcesOf(prod.all, "AWS::Lambda::Alias")).toHaveLength(released.length);
});

describe.each(released)("new code of %s", (name) => {
  test("is taken back when its own errors or the API's ring", () => {
    const { properties } = groupOf(prod, name);
    expect(properties).toMatchObject({
      DeploymentConfigName: "CodeDeployDefault.LambdaCanary10Percent5Minutes",
      AutoRollbackConfiguration: { Enabled: true },
      AlarmConfiguration: { Enabled: true },
    });
    expect(properties.AutoRollbackConfiguration.Events).toContain("DEPLOYMENT_STOP_ON_ALARM");
    const alarms = properties.AlarmConfiguration.Alarms.map(({ Name }: Properties) => Name.Ref);
    const { Resources } = prod.api.toJSON();
    const rings = alarms.map((id: string) => shortName(Resources[id].Properties.AlarmName));
    expect(rings).toEqual([`${name}-errors`, "api-server-errors"]);
  });

  test("is moved to by CodeDeploy, and at once where the stage says so", () => {
    const byGroup = (templates: Templates) =>
      templateOf(templates, "AWS::Lambda::Alias").filter(
        ({ UpdatePolicy }) =>
          UpdatePolicy?.CodeDeployLambdaAliasUpdate.DeploymentGroupName.Ref ===
          groupOf(templates, name).id,
      );
    expect(byGroup(prod)).toHaveLength(1);
    expect(byGroup(local)).toHaveLength(0);
    const { DeploymentConfigName } = groupOf(local, name).properties;
    expect(DeploymentConfigName).toBe("CodeDeployDefault.LambdaAllAtOnce");
  });
});

test("CodeDeploy may move the aliases of these functions and read alarms, nothing else", () => {
  const read = reader(prod.all);
  const roles = resourcesOf([prod.api], "AWS::IAM::Role").filter(({ properties }) =>
    JSON.stringify(properties.AssumeRolePolicyDocument).includes("codedeploy.amazonaws.com"),
  );
  expect(roles).toHaveLength(1);
  const [role] = roles;
  const statements = role?.properties.Policies.flatMap((one: Properties) =>
    statementsOf(one.PolicyDocument),
  );
  const allowed = statements.map(({ Action, Resource }: Properties) => ({
    actions: listOf(Action),
    resources: [Resource].flat().map(read).sort(),
  }));
  const functions = ["AcceptEngagements", "AcceptPublisherEngagements", "IssueViewToken"];
  expect(allowed).toEqual([
    {
      actions: ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"],
      resources: [...functions, "RequestJob"].flatMap((one) => [
        `${one}Function`,
        `${one}Function:live`,
      ]),
    },
    { actions: ["cloudwatch:DescribeAlarms"], resources: ["*"] },
  ]);
});

test("a release that mends what rings can be made all at once", () => {
  expect(readSettings({ ...contextOf("prod"), release: "AllAtOnce" }).release).toBe("AllAtOnce");
  expect(() => settingsOf("prod", { release: "Canary" })).toThrow(/stages\.prod\.release/);
});

test("whoever reads events is deployed before whoever writes them", () => {
  const { api, connections, workers, settlement, jobs } = newApp("local");
  expect(api.dependencies).toEqual(expect.arrayContaining([workers, settlement, jobs]));
  expect(settlement.dependencies).toContain(connections);
});

test("no stack comes near CloudFormation's 500 resources", () => {
  const { all: _, ...stacks } = local;
  for (const [name, template] of Object.entries(stacks)) {
    expect(Object.keys(template.toJSON().Resources).length, name).toBeLessThan(470);
  }
});
