import { z } from "zod";
import { readProperties } from "../templates/properties.ts";
import type { Resource } from "../templates/resources.ts";

const subscriptionShape = {
  Endpoint: z.string(),
  Protocol: z.string(),
  TopicArn: z.string(),
};
/** How and where messages are delivered: nothing is, here. */
const ignored = [
  "DeliveryPolicy",
  "FilterPolicy",
  "FilterPolicyScope",
  "RawMessageDelivery",
  "RedrivePolicy",
  "Region",
  "SubscriptionRoleArn",
];

/** Who would hear of what is published to a topic: `email:operators@example.com`. */
export function subscribersOf(subscriptions: readonly Resource[]): (topicArn: string) => string[] {
  const all = subscriptions.map((one) => readProperties(one, subscriptionShape, ignored));
  return (topicArn) =>
    all
      .filter(({ TopicArn }) => TopicArn === topicArn)
      .map(({ Protocol, Endpoint }) => `${Protocol}:${Endpoint}`);
}
