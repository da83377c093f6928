import type { IntegrationId } from "../contracts/job-types.ts";
import type { JsonObject } from "../jobs/job.ts";
import { type IntegrationStore, readIntegration } from "./integration.ts";

/** A job for an integration that does not exist would fail later. @throws Problem 404 */
export async function admitSync(
  store: Pick<IntegrationStore, "read">,
  payload: JsonObject,
): Promise<JsonObject> {
  await readIntegration(store, payload.integrationId as IntegrationId);
  return payload;
}
