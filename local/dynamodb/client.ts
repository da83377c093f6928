/** The few calls that creating tables takes, without the weight of an SDK. */
export interface DynamoDbClient {
  call(operation: string, input: object): Promise<Record<string, unknown>>;
}

export class DynamoDbError extends Error {
  override readonly name: string;
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export function dynamoDbClient(url: string): DynamoDbClient {
  return {
    async call(operation, input) {
      const response = await fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/x-amz-json-1.0",
          "x-amz-target": `DynamoDB_20120810.${operation}`,
          // Servers on one machine check that a request is signed, not by whom.
          authorization:
            "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, " +
            "SignedHeaders=host, Signature=local",
          "x-amz-date": "20260101T000000Z",
        },
        body: JSON.stringify(input),
      });
      const answer = (await response.json()) as Record<string, unknown>;
      if (response.ok) return answer;
      const type = String(answer.__type ?? response.status).replace(/^.*#/, "");
      throw new DynamoDbError(type, String(answer.message ?? answer.Message ?? type));
    },
  };
}
