import {
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { parseOptions, runCommand, UsageError } from "../local/cli/options.ts";

const help = `Moves every message of one queue to another, such as dead letters back to their queue.

  npm run redrive -- --from QUEUE --to QUEUE [--endpoint URL]

  --from, --to   names of queues in the account and region of the shell's AWS credentials
  --endpoint     another SQS, such as the embedded cloud's
`;

await runCommand(async () => {
  const values = parseOptions(
    {
      from: { type: "string" },
      to: { type: "string" },
      endpoint: { type: "string" },
      help: { type: "boolean" },
    },
    help,
  );
  if (values.help) {
    process.stderr.write(help);
    return;
  }
  if (!values.from || !values.to) throw new UsageError(`--from and --to are needed\n\n${help}`);
  const client = new SQSClient(values.endpoint ? { endpoint: values.endpoint } : {});
  const moved = await moveAll(
    client,
    await urlOf(client, values.from),
    await urlOf(client, values.to),
  );
  process.stdout.write(`${moved} messages moved from ${values.from} to ${values.to}\n`);
});

async function urlOf(client: SQSClient, name: string): Promise<string> {
  const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: name }));
  if (!QueueUrl) throw new Error(`there is no queue ${name}`);
  return QueueUrl;
}

/** Sent before it is deleted: killed in between, a message is in both, and counts once. */
async function moveAll(client: SQSClient, from: string, to: string): Promise<number> {
  let moved = 0;
  for (;;) {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({ QueueUrl: from, MaxNumberOfMessages: 10, WaitTimeSeconds: 2 }),
    );
    if (Messages.length === 0) return moved;
    for (const { Body, ReceiptHandle } of Messages) {
      await client.send(new SendMessageCommand({ QueueUrl: to, MessageBody: Body }));
      await client.send(new DeleteMessageCommand({ QueueUrl: from, ReceiptHandle }));
      moved += 1;
    }
  }
}
