import { isKnownBot } from "../../adapters/bots.ts";
import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { limitedHandler } from "../../adapters/lambda/api-handler.ts";
import { jsonBody } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { countingAcceptance } from "../../adapters/lambda/metrics.ts";
import { roomFromEnvironment } from "../../adapters/lambda/room.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { limits } from "../../core/contracts/limits.ts";
import { acceptPublisherEngagements } from "../../core/engagements/accept-engagements.ts";
import { knownArticles } from "../../core/registry/known-articles.ts";

const articles = dynamoDbArticles(documentClient, setting("registryTable"));
const deps = {
  findKnown: knownArticles(articles, limits.maxKnownArticles),
  bus: busFromEnvironment(),
  clock: systemClock,
  isBot: isKnownBot,
};

export const handler = limitedHandler(
  { bytesPerUnit: limits.engagementBytesPerUnit },
  roomFromEnvironment().whileThereIs("engagements", async ({ event, trace }) => {
    const body = jsonBody(event);
    const accepting = acceptPublisherEngagements(deps, body, trace.traceparent);
    return { status: 202, body: await countingAcceptance(accepting) };
  }),
);
