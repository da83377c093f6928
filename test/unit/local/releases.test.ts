import { expect, test } from "vitest";
import { readReleases } from "../../../local/lambda/deploy.ts";
import type { Resource } from "../../../local/templates/resources.ts";

const resource = (type: string, properties: object) =>
  ({ type: `AWS::${type}`, ref: "ref", properties, attributes: {} }) as unknown as Resource;
const group = (DeploymentGroupName: string, config?: string) =>
  resource("CodeDeploy::DeploymentGroup", {
    DeploymentGroupName,
    ...(config && { DeploymentConfigName: `CodeDeployDefault.Lambda${config}` }),
    AlarmConfiguration: { Enabled: true, Alarms: [{ Name: "api-server-errors" }] },
  });
const errorsOf = (functionName: string) => ({
  ...resource("CloudWatch::Alarm", {
    Namespace: "AWS/Lambda",
    MetricName: "Errors",
    Dimensions: [{ Name: "FunctionName", Value: functionName }],
  }),
  ref: `${functionName}-errors`,
});

test("new code goes the way that its deployment group says, at the pace of the minutes", () => {
  const releaseOf = readReleases(
    [
      group("plain"),
      group("at-once", "AllAtOnce"),
      group("canary", "Canary10Percent5Minutes"),
      group("linear", "Linear40PercentEvery1Minute"),
      errorsOf("worker"),
    ],
    1_000,
  );
  const alarms = ["api-server-errors"];
  expect(releaseOf("plain")).toEqual({ steps: [], alarms });
  expect(releaseOf("at-once")).toEqual({ steps: [], alarms });
  expect(releaseOf("canary")).toEqual({ steps: [{ percent: 10, forMs: 5_000 }], alarms });
  const linear = [40, 80].map((percent) => ({ percent, forMs: 1_000 }));
  expect(releaseOf("linear")).toEqual({ steps: linear, alarms });
  expect(releaseOf("worker")).toEqual({ steps: [], alarms: ["worker-errors"] });
});

test("a way that is not known is an error, and no deployment at once", () => {
  expect(() => readReleases([group("odd", "Blue")], 1_000)).toThrow("LambdaBlue");
});
