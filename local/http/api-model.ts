import { z } from "zod";
import type { DevIssuer } from "../dev-issuer.ts";
import type { LambdaFunction } from "../lambda/function.ts";
import { type Functions, functionArn } from "../lambda/functions.ts";
import { boolean, number, readProperties } from "../templates/properties.ts";
import { describe, type Resource } from "../templates/resources.ts";
import { isOf, isWebSocketApi } from "../websocket/api-model.ts";
import { type CorsConfiguration, corsShape } from "./cors.ts";
import { type Authorize, createJwtAuthorizer, type JwtAuthorizer } from "./jwt-authorizer.ts";
import { compileRoutes } from "./routes.ts";
import { createThrottle } from "./throttle.ts";

export interface ApiRoute {
  readonly routeKey: string;
  readonly lambda: LambdaFunction;
  readonly timeoutMs: number;
  readonly authorize: Authorize | undefined;
  readonly scopes: readonly string[];
  /** False: too many requests. */
  readonly admit: () => boolean;
}

/** An HTTP API as its templates describe it, ready to be served. */
export interface ApiModel {
  readonly id: string;
  readonly stage: string;
  readonly cors: CorsConfiguration | undefined;
  readonly accessLogFormat: string | undefined;
  readonly authorizers: readonly JwtAuthorizer[];
  readonly routes: readonly ApiRoute[];
  readonly find: ReturnType<typeof compileRoutes<ApiRoute>>;
}

const throttling = {
  ThrottlingBurstLimit: number.optional(),
  ThrottlingRateLimit: number.optional(),
  DetailedMetricsEnabled: z.unknown().optional(),
};
const apiShape = {
  ProtocolType: z.literal("HTTP", { error: "only HTTP APIs are served" }),
  CorsConfiguration: corsShape.optional(),
};
const stageShape = {
  StageName: z.literal("$default", { error: "only the $default stage is served" }),
  AutoDeploy: boolean.optional(),
  AccessLogSettings: z.strictObject({ DestinationArn: z.unknown(), Format: z.string() }).optional(),
  DefaultRouteSettings: z.strictObject(throttling).optional(),
  RouteSettings: z.record(z.string(), z.strictObject(throttling)).default({}),
};
const integrationShape = {
  IntegrationType: z.literal("AWS_PROXY"),
  IntegrationUri: z.string(),
  PayloadFormatVersion: z.literal("2.0"),
  TimeoutInMillis: number.default(30_000),
};
const routeShape = {
  RouteKey: z.string(),
  Target: z.string(),
  AuthorizationType: z.enum(["NONE", "JWT"]).default("NONE"),
  AuthorizationScopes: z.array(z.string()).default([]),
  AuthorizerId: z.string().optional(),
};

export interface ApiDeps {
  readonly functions: Functions;
  readonly devIssuer: DevIssuer;
}

/** Reads the one HTTP API of the application, if it has one. */
export function readApi(resources: readonly Resource[], deps: ApiDeps): ApiModel | undefined {
  const allOf = (type: string) =>
    resources.filter((resource) => resource.type === `AWS::ApiGatewayV2::${type}`);
  const [api, ...others] = allOf("Api").filter((one) => !isWebSocketApi(one));
  if (api === undefined) return undefined;
  const ofType = (type: string) => allOf(type).filter(({ properties }) => isOf(properties, api));
  if (others[0]) throw new Error(`${describe(others[0])}: only one HTTP API is served`);
  const [stageResource] = ofType("Stage");
  if (stageResource === undefined) throw new Error(`${describe(api)} has no stage`);
  const { CorsConfiguration: cors } = readProperties(api, apiShape, [
    "Description",
    "DisableExecuteApiEndpoint",
    "IpAddressType",
    "Name",
    "Tags",
  ]);
  const stage = readProperties(stageResource, stageShape, ["ApiId", "Description", "Tags"]);
  const authorizers = new Map(
    ofType("Authorizer").map((one) => [one.ref, createJwtAuthorizer(one, deps.devIssuer)]),
  );
  const integrations = new Map(
    ofType("Integration").map((one) => [one.ref, readIntegration(one, deps.functions)]),
  );
  const routes = ofType("Route").map((one) => readRoute(one, integrations, authorizers, stage));
  return {
    id: api.ref,
    stage: stage.StageName,
    cors,
    accessLogFormat: stage.AccessLogSettings?.Format,
    authorizers: [...authorizers.values()],
    routes,
    find: compileRoutes(routes),
  };
}

interface Integration {
  readonly lambda: LambdaFunction;
  readonly timeoutMs: number;
}

function readIntegration(resource: Resource, functions: Functions): Integration {
  const properties = readProperties(resource, integrationShape, ["ApiId", "Description"]);
  return {
    lambda: functions.get(functionArn(properties.IntegrationUri)),
    timeoutMs: properties.TimeoutInMillis,
  };
}

function readRoute(
  resource: Resource,
  integrations: ReadonlyMap<string, Integration>,
  authorizers: ReadonlyMap<string, JwtAuthorizer>,
  stage: z.infer<z.ZodObject<typeof stageShape>>,
): ApiRoute {
  const properties = readProperties(resource, routeShape, ["ApiId", "OperationName"]);
  const { RouteKey: routeKey, AuthorizerId: authorizerId = "" } = properties;
  const integration = integrations.get(properties.Target.replace(/^integrations\//, ""));
  const authorizer = authorizers.get(authorizerId);
  if (integration === undefined) throw new Error(`${describe(resource)} has no integration`);
  if (properties.AuthorizationType === "JWT" && authorizer === undefined) {
    throw new Error(`${describe(resource)} has no authorizer`);
  }
  const settings = { ...stage.DefaultRouteSettings, ...stage.RouteSettings[routeKey] };
  const { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst } = settings;
  return {
    ...integration,
    routeKey,
    authorize: properties.AuthorizationType === "JWT" ? authorizer?.authorize : undefined,
    scopes: properties.AuthorizationScopes,
    admit: rate === undefined || burst === undefined ? () => true : createThrottle(rate, burst),
  };
}
