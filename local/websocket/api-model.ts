import { z } from "zod";
import { createThrottle } from "../http/throttle.ts";
import type { LambdaFunction } from "../lambda/function.ts";
import { type Functions, functionArn } from "../lambda/functions.ts";
import { boolean, number, readProperties } from "../templates/properties.ts";
import { describe, type Resource } from "../templates/resources.ts";
import { createRequestAuthorizer, type RequestAuthorizer } from "./authorizer.ts";
import { type RouteSelection, routeSelection } from "./route-selection.ts";

export interface WebSocketRoute {
  readonly routeKey: string;
  readonly lambda: LambdaFunction;
  readonly timeoutMs: number;
  /** True: what the function returns as its body goes back to the client. */
  readonly responds: boolean;
  readonly authorizer: RequestAuthorizer | undefined;
}

/** A WebSocket API as its templates describe it, ready to be served. */
export interface WebSocketModel {
  readonly id: string;
  readonly stage: string;
  readonly accessLogFormat: string | undefined;
  readonly select: RouteSelection;
  /** By route key: `$connect`, `$disconnect`, `$default` and others. */
  readonly routes: ReadonlyMap<string, WebSocketRoute>;
  /** False: too many requests. */
  readonly admit: () => boolean;
}

const apiShape = {
  ProtocolType: z.literal("WEBSOCKET"),
  RouteSelectionExpression: z.string(),
};
const stageShape = {
  StageName: z.string(),
  AccessLogSettings: z.strictObject({ DestinationArn: z.unknown(), Format: z.string() }).optional(),
  DefaultRouteSettings: z
    .strictObject({
      DataTraceEnabled: z.unknown().optional(),
      DetailedMetricsEnabled: z.unknown().optional(),
      LoggingLevel: z.unknown().optional(),
      ThrottlingBurstLimit: number.optional(),
      ThrottlingRateLimit: number.optional(),
    })
    .default({}),
};
const integrationShape = {
  IntegrationType: z.literal("AWS_PROXY"),
  IntegrationUri: z.string(),
  TimeoutInMillis: number.default(29_000),
};
const routeShape = {
  RouteKey: z.string(),
  Target: z.string(),
  AuthorizationType: z.enum(["NONE", "CUSTOM"]).default("NONE"),
  AuthorizerId: z.string().optional(),
  ApiKeyRequired: boolean.pipe(z.literal(false)).optional(),
  RouteResponseSelectionExpression: z.literal("$default").optional(),
};

/** Reads the one WebSocket API of the application, if it has one. */
export function readWebSocketApi(
  resources: readonly Resource[],
  functions: Functions,
): WebSocketModel | undefined {
  const ofType = (type: string) =>
    resources.filter((resource) => resource.type === `AWS::ApiGatewayV2::${type}`);
  const [api, ...others] = ofType("Api").filter(isWebSocketApi);
  if (api === undefined) return undefined;
  if (others[0]) throw new Error(`${describe(others[0])}: only one WebSocket API is served`);
  const own = (type: string) => ofType(type).filter(({ properties }) => isOf(properties, api));
  const [stageResource, ...stages] = own("Stage");
  if (stageResource === undefined) throw new Error(`${describe(api)} has no stage`);
  if (stages[0]) throw new Error(`${describe(stages[0])}: only one stage is served`);

  const { RouteSelectionExpression: expression } = readProperties(api, apiShape, [
    "Description",
    "DisableExecuteApiEndpoint",
    "IpAddressType",
    "Name",
    "Tags",
  ]);
  const stage = readProperties(stageResource, stageShape, [
    "ApiId",
    "AutoDeploy",
    "Description",
    "Tags",
  ]);
  const authorizers = new Map(
    own("Authorizer").map((one) => [one.ref, createRequestAuthorizer(one, functions)]),
  );
  const integrations = new Map(
    own("Integration").map((one) => [one.ref, readIntegration(one, functions)]),
  );
  for (const response of own("RouteResponse")) {
    readProperties(response, { RouteResponseKey: z.literal("$default") }, ["ApiId", "RouteId"]);
  }
  const routes = own("Route").map((one) => readRoute(one, integrations, authorizers));
  const { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst } = stage.DefaultRouteSettings;
  return {
    id: api.ref,
    stage: stage.StageName,
    accessLogFormat: stage.AccessLogSettings?.Format,
    select: routeSelection(expression),
    routes: new Map(routes.map((route) => [route.routeKey, route])),
    admit: rate === undefined || burst === undefined ? () => true : createThrottle(rate, burst),
  };
}

export function isWebSocketApi({ properties }: Resource): boolean {
  return properties.ProtocolType === "WEBSOCKET";
}

/** Stages, routes and the like name the API that they are part of. */
export function isOf(properties: Resource["properties"], api: Resource): boolean {
  return properties.ApiId === api.ref;
}

interface Integration {
  readonly lambda: LambdaFunction;
  readonly timeoutMs: number;
}

function readIntegration(resource: Resource, functions: Functions): Integration {
  const ignored = ["ApiId", "Description", "IntegrationMethod"];
  const properties = readProperties(resource, integrationShape, ignored);
  const lambda = functions.get(functionArn(properties.IntegrationUri));
  return { lambda, timeoutMs: properties.TimeoutInMillis };
}

function readRoute(
  resource: Resource,
  integrations: ReadonlyMap<string, Integration>,
  authorizers: ReadonlyMap<string, RequestAuthorizer>,
): WebSocketRoute {
  const properties = readProperties(resource, routeShape, ["ApiId", "OperationName"]);
  const { RouteKey: routeKey, AuthorizationType: type, AuthorizerId: id = "" } = properties;
  const integration = integrations.get(properties.Target.replace(/^integrations\//, ""));
  const authorizer = authorizers.get(id);
  if (integration === undefined) throw new Error(`${describe(resource)} has no integration`);
  if (type === "CUSTOM" && routeKey !== "$connect") {
    throw new Error(`${describe(resource)}: only $connect can be authorized`);
  }
  if (type === "CUSTOM" && authorizer === undefined) {
    throw new Error(`${describe(resource)} has no authorizer`);
  }
  return {
    ...integration,
    routeKey,
    responds: properties.RouteResponseSelectionExpression !== undefined,
    authorizer: type === "CUSTOM" ? authorizer : undefined,
  };
}
