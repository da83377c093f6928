import { z } from "zod";
import { AwsError } from "../aws-json-server.ts";

const windowShape = z.discriminatedUnion("Mode", [
  z.strictObject({ Mode: z.literal("OFF") }),
  // Any moment of the window is right, so the first one is.
  z.strictObject({ Mode: z.literal("FLEXIBLE"), MaximumWindowInMinutes: z.int().min(1).max(1440) }),
]);
const targetShape = z.strictObject({
  Arn: z.string(),
  RoleArn: z.string(),
  Input: z.string().max(262_144).optional(),
  DeadLetterConfig: z.strictObject({ Arn: z.string() }).optional(),
  // A queue or a bus in this process takes what it is given, or refuses it for good.
  RetryPolicy: z
    .strictObject({
      MaximumEventAgeInSeconds: z.number().optional(),
      MaximumRetryAttempts: z.number().optional(),
    })
    .optional(),
  EventBridgeParameters: z
    .strictObject({ DetailType: z.string().min(1), Source: z.string().min(1) })
    .optional(),
});
const inputShape = z.strictObject({
  ScheduleExpression: z
    .string()
    .regex(/^at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)$/, "the embedded cloud takes only at(...) here"),
  ScheduleExpressionTimezone: z.literal("UTC", { error: "only UTC is implemented" }).optional(),
  ActionAfterCompletion: z.enum(["NONE", "DELETE"]).default("NONE"),
  ClientToken: z.string().optional(),
  Description: z.string().max(512).optional(),
  FlexibleTimeWindow: windowShape,
  GroupName: z.string().default("default"),
  KmsKeyArn: z.string().optional(),
  State: z.enum(["ENABLED", "DISABLED"]).default("ENABLED"),
  Target: targetShape,
});

export type ScheduleInput = z.infer<typeof inputShape>;
export type ScheduleTarget = ScheduleInput["Target"];

/** Reads what CreateSchedule and UpdateSchedule take; a ValidationException says what is wrong. */
export function readScheduleInput(name: string, body: Record<string, unknown>): ScheduleInput {
  if (!/^[0-9a-zA-Z-_.]{1,64}$/.test(name)) {
    throw new AwsError("ValidationException", `${name} is no name of a schedule`);
  }
  const result = inputShape.safeParse(body);
  if (result.success) return result.data;
  const problems = z.prettifyError(result.error).replaceAll("\n", " ");
  throw new AwsError("ValidationException", problems);
}
