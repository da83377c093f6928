import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, type TranslateConfig } from "@aws-sdk/lib-dynamodb";

/** One for each execution environment, so that connections are reused. */
export const dynamoDbClient = new DynamoDBClient({
  maxAttempts: 3,
  // Without the last of these a time-out is only logged, and the call waits for ever.
  requestHandler: {
    connectionTimeout: 1_000,
    requestTimeout: 3_000,
    throwOnRequestTimeout: true,
  },
});

/** Numbers are `bigint` both ways: an amount beyond 2^53 stays exact. Only integers are stored. */
export const documentClientOptions: TranslateConfig = {
  marshallOptions: { removeUndefinedValues: true },
  unmarshallOptions: { wrapNumbers: (digits) => BigInt(digits) },
};

export const documentClient = DynamoDBDocumentClient.from(dynamoDbClient, documentClientOptions);
