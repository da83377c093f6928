import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBDocumentClient,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { jobBuckets, tables } from "../../core/contracts/storage.ts";
import type { Job } from "../../core/jobs/job.ts";
import type { JobFilter, JobLists, JobStore } from "../../core/jobs/job-store.ts";
import { wrongCursor } from "../../core/perimeter/page.ts";
import type { Clock } from "../../core/values/time.ts";
import { getItem, getItems, type Item } from "./items.ts";

const sk = "job";
const keyOf = (jobId: string) => ({ pk: `job#${jobId}`, sk });
/** Read at once for a list: most lists are not filtered. */
const pageSize = 50;
/** A filter that finds nothing must not read on for ever. */
const maxPages = 20;

/** Jobs in a table of their own. */
export function dynamoDbJobs(
  client: DynamoDBDocumentClient,
  jobsTable: string,
  clock: Clock,
): JobStore & JobLists {
  const alive = (item: Item | undefined): Job | undefined => {
    const job = item && jobFromItem(item);
    return job && job.expiresAtMs > clock.nowMs() ? job : undefined;
  };
  const put = async (job: Job, condition: string, values?: Item): Promise<boolean> => {
    try {
      await client.send(
        new PutCommand({
          TableName: jobsTable,
          Item: itemOf(job),
          ConditionExpression: condition,
          ...(values && { ExpressionAttributeValues: values }),
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  };
  /** What an index names, read where it is exact. */
  const readAll = async (keys: readonly Item[]): Promise<Map<string, Job>> => {
    const items = await getItems(client, jobsTable, keys);
    const jobs = items.map(alive).filter((job) => job !== undefined);
    return new Map(jobs.map((job) => [job.jobId, job]));
  };
  return {
    add: async (job) => ((await put(job, "attribute_not_exists(pk)")) ? "added" : "known"),
    read: async (jobId) => alive(await getItem(client, jobsTable, keyOf(jobId))),
    async replace(job) {
      const written = await put(job, "version = :before", { ":before": BigInt(job.version - 1) });
      return written ? "replaced" : "raced";
    },
    async settle({ jobId, version }) {
      try {
        await client.send(
          new UpdateCommand({
            TableName: jobsTable,
            Key: keyOf(jobId),
            UpdateExpression: "REMOVE attention, attendAt",
            ConditionExpression: "version = :version",
            ExpressionAttributeValues: { ":version": BigInt(version) },
          }),
        );
      } catch (error) {
        // It changed since, and whoever changed it sees to it.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
    async list({ owner, state, type }: JobFilter, limit, cursor) {
      const found: Job[] = [];
      let from = cursor === undefined ? undefined : listedOf(cursor);
      for (let page = 0; page < maxPages; page += 1) {
        const keys = await listed(client, jobsTable, owner, from);
        const jobs = await readAll(keys.map(({ pk }) => ({ pk, sk })));
        for (const key of keys) {
          from = String(key.listed);
          const job = jobs.get(String(key.pk).slice("job#".length));
          if (!job || (state && job.state !== state) || (type && job.type !== type)) continue;
          found.push(job);
          if (found.length === limit) return { jobs: found, nextCursor: cursorOf(from) };
        }
        if (keys.length < pageSize) return { jobs: found };
      }
      return { jobs: found, ...(from !== undefined && { nextCursor: cursorOf(from) }) };
    },
    async due(bucket, byMs, limit) {
      const { name, partitionKey, sortKey } = tables.jobs.attentionIndex;
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: jobsTable,
          IndexName: name,
          KeyConditionExpression: `${partitionKey} = :bucket AND ${sortKey} <= :by`,
          ExpressionAttributeValues: { ":bucket": BigInt(bucket), ":by": BigInt(byMs) },
          Limit: limit,
        }),
      );
      const jobs = await readAll(Items.map(({ pk }) => ({ pk, sk })));
      return [...jobs.values()].filter(({ attendAtMs = byMs + 1 }) => attendAtMs <= byMs);
    },
  };
}

async function listed(
  client: DynamoDBDocumentClient,
  jobsTable: string,
  owner: string,
  before: string | undefined,
): Promise<Item[]> {
  const { name, partitionKey, sortKey } = tables.jobs.ownerIndex;
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: jobsTable,
      IndexName: name,
      // `owner` is a reserved word.
      KeyConditionExpression: `#owner = :owner${before === undefined ? "" : ` AND ${sortKey} < :before`}`,
      ExpressionAttributeNames: { "#owner": partitionKey },
      ExpressionAttributeValues: {
        ":owner": owner,
        ...(before !== undefined && { ":before": before }),
      },
      ScanIndexForward: false,
      Limit: pageSize,
    }),
  );
  return Items;
}

/** `<when it was accepted>#<job id>`, as a cursor that survives a URL. */
const cursorOf = (listed: string) => Buffer.from(listed).toString("base64url");

function listedOf(cursor: string): string {
  const text = Buffer.from(cursor, "base64url").toString("utf8");
  if (!/^[\d\-:.TZ]{24}#[0-9a-f]+$/.test(text)) throw wrongCursor();
  return text;
}

/** The record as JSON, so that a payload's numbers come back as they were. */
function itemOf({ attendAtMs, ...job }: Job): Item {
  return {
    ...keyOf(job.jobId),
    version: BigInt(job.version),
    owner: job.owner,
    listed: `${new Date(job.acceptedAtMs).toISOString()}#${job.jobId}`,
    ...(attendAtMs !== undefined && {
      attention: BigInt(bucketOf(job.jobId)),
      attendAt: BigInt(attendAtMs),
    }),
    ttl: BigInt(Math.ceil(job.expiresAtMs / 1_000)),
    record: JSON.stringify(job),
  };
}

function jobFromItem({ record, attendAt }: Item): Job {
  const job = JSON.parse(String(record)) as Job;
  return { ...job, ...(attendAt !== undefined && { attendAtMs: Number(attendAt) }) };
}

const bucketOf = (jobId: string) => Number.parseInt(jobId.slice(0, 2), 16) % jobBuckets;
