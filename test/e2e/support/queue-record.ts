/** A message as Lambda hands it to a worker, for those that are invoked without their queue. */
export const queueRecord = (body: string, messageId = "m") => ({
  ...{ messageId, receiptHandle: "r", body, messageAttributes: {} },
  attributes: { ApproximateReceiveCount: "1", SentTimestamp: String(Date.now()) },
});
