import { Aws, Validations } from "aws-cdk-lib";
import type { Alarm } from "aws-cdk-lib/aws-cloudwatch";
import { CfnApplication, CfnDeploymentGroup } from "aws-cdk-lib/aws-codedeploy";
import {
  type CfnRole,
  PolicyDocument,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from "aws-cdk-lib/aws-iam";
import { Alias, type CfnAlias, type IFunction, type IVersion } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { nameIn, type Platform, pascalCase } from "../platform.ts";
import type { PennylineFunction } from "./pennyline-function.ts";

export interface GradualReleasesProps {
  readonly platform: Platform;
  /** Take new code back as well as the errors alarm of the function itself. */
  readonly alarms: readonly Alarm[];
}

const aliasName = "live";

/**
 * How functions that must not fail get new code: CodeDeploy lets it have a part of the requests
 * first, and gives all of them back to the old code as soon as an alarm rings.
 */
export class GradualReleases extends Construct {
  private readonly props: GradualReleasesProps;
  private readonly application: CfnApplication;
  private readonly role: Role;
  private readonly mayMove = new PolicyStatement({
    actions: ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"],
  });

  constructor(scope: Construct, id: string, props: GradualReleasesProps) {
    super(scope, id);
    this.props = props;
    this.application = new CfnApplication(this, "Application", {
      applicationName: nameIn(props.platform.settings),
      computePlatform: "Lambda",
    });
    this.role = this.addRole();
  }

  /** What callers must call, so that the release can choose for them. */
  add(released: PennylineFunction): IFunction {
    const { function: lambda, name } = released;
    const { settings } = this.props.platform;
    // The CDK's own classes are no such things to a compiler that takes `role?` at its word.
    const version = lambda.currentVersion as IVersion;
    const alias = new Alias(released, "Live", { aliasName, version });
    // Not the alias' own ARN: it waits for the group, and the group for this role.
    this.mayMove.addResources(lambda.functionArn, `${lambda.functionArn}:${aliasName}`);
    const alarms = [released.alarmOnErrors({ runbook: "accepting" }), ...this.props.alarms];
    const group = new CfnDeploymentGroup(this, pascalCase(name), {
      applicationName: this.application.ref,
      deploymentGroupName: nameIn(settings, name),
      serviceRoleArn: this.role.roleArn,
      deploymentConfigName: `CodeDeployDefault.Lambda${settings.release}`,
      deploymentStyle: {
        deploymentType: "BLUE_GREEN",
        deploymentOption: "WITH_TRAFFIC_CONTROL",
      },
      alarmConfiguration: {
        enabled: true,
        alarms: alarms.map(({ alarmName }) => ({ name: alarmName })),
      },
      autoRollbackConfiguration: {
        enabled: true,
        events: ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
      },
    });
    // Without it CloudFormation moves the alias itself, whatever rings: the way to deploy what
    // mends a ringing alarm.
    if (settings.release !== "AllAtOnce") {
      const template = alias.node.defaultChild as CfnAlias;
      template.cfnOptions.updatePolicy = {
        codeDeployLambdaAliasUpdate: {
          applicationName: this.application.ref,
          deploymentGroupName: group.ref,
        },
      };
    }
    return alias as IFunction;
  }

  /** Not AWS' managed policy: that one may move every alias of the account. */
  private addRole(): Role {
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("codedeploy.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } },
      }),
      inlinePolicies: {
        Release: new PolicyDocument({
          statements: [
            this.mayMove,
            new PolicyStatement({ actions: ["cloudwatch:DescribeAlarms"], resources: ["*"] }),
          ],
        }),
      },
    });
    Validations.of(role.node.defaultChild as CfnRole).acknowledge({
      id: "AwsSolutions-IAM5[Resource::*]",
      reason: "CodeDeploy asks for the alarms of all its groups at once; it only reads them.",
    });
    return role;
  }
}
