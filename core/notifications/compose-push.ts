import type { CreatorId } from "../contracts/ids.ts";
import { cutToBytes } from "../values/text.ts";
import type { FanoutPlan } from "./fanout.ts";

/** Push services take 4,096 bytes, of which encryption needs some; an URL takes up to 2,048. */
const maxTitleBytes = 400;
const maxBodyBytes = 600;

/**
 * What the page's service worker gets, as JSON; shown under one `tag`, a message that comes twice is
 * still one.
 */
export function composePush(plan: FanoutPlan, creatorId: CreatorId, tag: string): string {
  const { title, url, excerpt } = plan;
  const name = plan.creators.find((one) => one.creatorId === creatorId)?.name;
  return JSON.stringify({
    title: cutToBytes(title, maxTitleBytes),
    ...(excerpt !== undefined && { body: cutToBytes(excerpt, maxBodyBytes) }),
    ...(name !== undefined && { by: cutToBytes(name, maxTitleBytes) }),
    ...{ url, tag },
  });
}
