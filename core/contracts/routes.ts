/** Who calls: a scope of the caller's JWT, or nobody in particular. */
export const roles = ["creator", "publisher", "admin"] as const;
export type Role = (typeof roles)[number];

export interface Route {
  /** The folder in `lambdas/` and the construct that answers. */
  readonly operation: string;
  readonly method: "GET" | "PUT" | "PATCH" | "POST" | "DELETE";
  /** API Gateway path syntax. An article id may hold slashes (`%2F` arrives decoded), hence greedy. */
  readonly path: string;
  /** Scopes that may call; empty: public. */
  readonly allow: readonly Role[];
}

const drafts = "/v1/creators/{creatorId}/drafts";
const draftPaths = [
  drafts,
  `${drafts}/{draftId}`,
  `${drafts}/{draftId}/revisions`,
  `${drafts}/{draftId}/revisions/{revision}`,
  `${drafts}/{draftId}/conflicts`,
  `${drafts}/{draftId}/conflicts/{textId}`,
] as const;

const letters = "/v1/admin/dead-letters";

/** Every HTTP route. The API stack, the role test and the docs read this one list. */
export const routes = [
  { operation: "read-health", method: "GET", path: "/v1/health", allow: [] },
  { operation: "accept-engagements", method: "POST", path: "/v1/engagements", allow: [] },
  {
    operation: "accept-publisher-engagements",
    method: "POST",
    path: "/v1/engagements/batch",
    allow: ["publisher"],
  },
  { operation: "issue-view-token", method: "POST", path: "/v1/view-tokens", allow: ["publisher"] },
  {
    operation: "put-article",
    method: "PUT",
    path: "/v1/articles/{articleId+}",
    allow: ["publisher"],
  },
  {
    operation: "put-article",
    method: "PATCH",
    path: "/v1/articles/{articleId+}",
    allow: ["publisher"],
  },
  {
    operation: "read-article",
    method: "GET",
    path: "/v1/articles/{articleId+}",
    allow: ["publisher"],
  },
  {
    operation: "read-article",
    method: "GET",
    path: "/v1/articles",
    allow: ["creator", "publisher", "admin"],
  },
  {
    operation: "put-rate-card",
    method: "PUT",
    path: "/v1/rate-cards/current",
    allow: ["publisher"],
  },
  { operation: "read-rate-cards", method: "GET", path: "/v1/rate-cards", allow: ["publisher"] },
  {
    operation: "read-rate-cards",
    method: "GET",
    path: "/v1/rate-cards/current",
    allow: ["publisher"],
  },
  {
    operation: "read-balance",
    method: "GET",
    path: "/v1/creators/{creatorId}/balance",
    allow: ["creator", "publisher"],
  },
  {
    operation: "read-earnings",
    method: "GET",
    path: "/v1/creators/{creatorId}/earnings",
    allow: ["creator", "publisher"],
  },
  {
    operation: "read-earnings-summary",
    method: "GET",
    path: "/v1/earnings/summary",
    allow: ["publisher", "admin"],
  },
  {
    operation: "read-ledger",
    method: "GET",
    path: "/v1/creators/{creatorId}/ledger",
    allow: ["creator", "publisher"],
  },
  {
    operation: "put-creator",
    method: "PUT",
    path: "/v1/creators/{creatorId}",
    allow: ["publisher"],
  },
  {
    operation: "put-creator",
    method: "PATCH",
    path: "/v1/creators/{creatorId}",
    allow: ["publisher"],
  },
  {
    operation: "read-creator",
    method: "GET",
    path: "/v1/creators/{creatorId}",
    allow: ["creator", "publisher"],
  },
  {
    operation: "read-creator",
    method: "GET",
    path: "/v1/creators",
    allow: ["publisher", "admin"],
  },
  {
    operation: "put-article-group",
    method: "PUT",
    path: "/v1/article-groups/{groupId}",
    allow: ["publisher"],
  },
  {
    operation: "read-article-groups",
    method: "GET",
    path: "/v1/article-groups",
    allow: ["publisher"],
  },
  {
    operation: "put-rate-card",
    method: "POST",
    path: "/v1/rate-cards",
    allow: ["publisher"],
  },
  {
    operation: "dry-run-rate-card",
    method: "POST",
    path: "/v1/rate-cards/dry-run",
    allow: ["publisher"],
  },
  {
    operation: "read-statement",
    method: "GET",
    path: "/v1/creators/{creatorId}/statements/{month}",
    allow: ["creator", "publisher"],
  },
  {
    operation: "read-ledger-entry",
    method: "GET",
    path: "/v1/ledger/entries/{entryId}",
    allow: ["creator", "publisher", "admin"],
  },
  {
    operation: "post-adjustment",
    method: "POST",
    path: "/v1/ledger/adjustments",
    allow: ["publisher", "admin"],
  },
  {
    operation: "reverse-entry",
    method: "POST",
    path: "/v1/ledger/reversals",
    allow: ["publisher", "admin"],
  },
  {
    operation: "request-payout",
    method: "POST",
    path: "/v1/creators/{creatorId}/payouts",
    allow: ["publisher"],
  },
  {
    operation: "read-payouts",
    method: "GET",
    path: "/v1/creators/{creatorId}/payouts",
    allow: ["creator", "publisher"],
  },
  {
    operation: "read-payouts",
    method: "GET",
    path: "/v1/payouts",
    allow: ["creator", "publisher", "admin"],
  },
  {
    operation: "export-payouts",
    method: "GET",
    path: "/v1/payouts/file",
    allow: ["publisher"],
  },
  {
    operation: "record-payout-result",
    method: "POST",
    path: "/v1/payouts/{payoutId}/result",
    allow: ["publisher"],
  },
  {
    operation: "post-appeal",
    method: "POST",
    path: "/v1/creators/{creatorId}/appeals",
    allow: ["creator", "publisher"],
  },
  {
    operation: "read-appeals",
    method: "GET",
    path: "/v1/creators/{creatorId}/appeals",
    allow: ["creator", "publisher", "admin"],
  },
  {
    operation: "request-review",
    method: "POST",
    path: "/v1/admin/reviews",
    allow: ["admin"],
  },
  {
    operation: "read-reviews",
    method: "GET",
    path: "/v1/admin/reviews",
    allow: ["admin"],
  },
  {
    operation: "read-reviews",
    method: "GET",
    path: "/v1/admin/reviews/{reviewId}",
    allow: ["admin"],
  },
  {
    operation: "read-invalid-traffic",
    method: "GET",
    path: "/v1/admin/invalid-traffic",
    allow: ["admin"],
  },
  {
    operation: "create-webhook-endpoint",
    method: "POST",
    path: "/v1/webhook-endpoints",
    allow: ["publisher"],
  },
  {
    operation: "read-webhook-endpoints",
    method: "GET",
    path: "/v1/webhook-endpoints",
    allow: ["publisher"],
  },
  {
    operation: "read-webhook-endpoints",
    method: "GET",
    path: "/v1/webhook-endpoints/{endpointId}",
    allow: ["publisher"],
  },
  {
    operation: "put-webhook-endpoint",
    method: "PUT",
    path: "/v1/webhook-endpoints/{endpointId}",
    allow: ["publisher"],
  },
  {
    operation: "put-webhook-endpoint",
    method: "PATCH",
    path: "/v1/webhook-endpoints/{endpointId}",
    allow: ["publisher"],
  },
  {
    operation: "delete-webhook-endpoint",
    method: "DELETE",
    path: "/v1/webhook-endpoints/{endpointId}",
    allow: ["publisher"],
  },
  {
    operation: "test-webhook-endpoint",
    method: "POST",
    path: "/v1/webhook-endpoints/{endpointId}/test",
    allow: ["publisher"],
  },
  {
    operation: "resend-webhooks",
    method: "POST",
    path: "/v1/webhook-endpoints/{endpointId}/resend",
    allow: ["publisher"],
  },
  {
    operation: "read-webhook-deliveries",
    method: "GET",
    path: "/v1/webhook-deliveries",
    allow: ["creator", "publisher"],
  },
  {
    operation: "read-webhook-deliveries",
    method: "GET",
    path: "/v1/webhook-deliveries/{deliveryId}",
    allow: ["creator", "publisher"],
  },
  {
    operation: "resend-webhooks",
    method: "POST",
    path: "/v1/webhook-deliveries/{deliveryId}/resend",
    allow: ["creator", "publisher"],
  },
  {
    operation: "rotate-callback-secret",
    method: "POST",
    path: "/v1/webhook-endpoints/callbacks/secret",
    allow: ["creator", "publisher"],
  },
  {
    operation: "rotate-webhook-secret",
    method: "POST",
    path: "/v1/webhook-endpoints/{endpointId}/secret",
    allow: ["publisher"],
  },
  {
    operation: "request-upload",
    method: "POST",
    path: "/v1/uploads",
    allow: ["creator", "publisher"],
  },
  { operation: "request-job", method: "POST", path: "/v1/jobs", allow: ["creator", "publisher"] },
  { operation: "list-jobs", method: "GET", path: "/v1/jobs", allow: ["creator", "publisher"] },
  {
    operation: "read-job",
    method: "GET",
    path: "/v1/jobs/{jobId}",
    allow: ["creator", "publisher"],
  },
  {
    operation: "cancel-job",
    method: "DELETE",
    path: "/v1/jobs/{jobId}",
    allow: ["creator", "publisher"],
  },
  ...draftPaths.map(
    (path) =>
      ({ operation: "read-drafts", method: "GET", path, allow: ["creator", "publisher"] }) as const,
  ),
  {
    operation: "issue-connection-ticket",
    method: "POST",
    path: "/v1/connection-tickets",
    allow: ["creator", "publisher", "admin"],
  },
  {
    operation: "put-follower",
    method: "PUT",
    path: "/v1/creators/{creatorId}/followers/{readerId}",
    allow: ["publisher"],
  },
  {
    operation: "put-follower",
    method: "PATCH",
    path: "/v1/creators/{creatorId}/followers/{readerId}",
    allow: ["publisher"],
  },
  {
    operation: "delete-follower",
    method: "DELETE",
    path: "/v1/creators/{creatorId}/followers/{readerId}",
    allow: ["publisher"],
  },
  {
    operation: "read-followers",
    method: "GET",
    path: "/v1/creators/{creatorId}/followers",
    allow: ["creator", "publisher"],
  },
  {
    operation: "read-inbox",
    method: "GET",
    path: "/v1/readers/{readerId}/inbox",
    allow: ["publisher"],
  },
  {
    operation: "publish-article",
    method: "POST",
    // It ends in `/publish`: a greedy parameter takes all that follows.
    path: "/v1/articles/{articleId+}",
    allow: ["publisher"],
  },
  { operation: "unsubscribe", method: "GET", path: "/v1/unsubscribe", allow: [] },
  { operation: "unsubscribe", method: "POST", path: "/v1/unsubscribe", allow: [] },
  { operation: "read-web-push-key", method: "GET", path: "/v1/web-push-key", allow: [] },
  {
    operation: "read-trace",
    method: "GET",
    path: "/v1/admin/traces/{traceId}",
    allow: ["admin"],
  },
  { operation: "read-alarms", method: "GET", path: "/v1/admin/alarms", allow: ["admin"] },
  { operation: "read-queues", method: "GET", path: "/v1/admin/queues", allow: ["admin"] },
  ...[
    letters,
    `${letters}/groups`,
    `${letters}/redrives/{redriveId}`,
    `${letters}/{letterId}`,
    "/v1/admin/audit",
  ].map((path) => ({
    ...({ operation: "read-dead-letters", method: "GET", path } as const),
    allow: ["admin"] as const,
  })),
  {
    operation: "change-dead-letters",
    method: "PUT",
    path: "/v1/admin/dead-letters/{letterId}/body",
    allow: ["admin"],
  },
  {
    operation: "change-dead-letters",
    method: "POST",
    path: "/v1/admin/dead-letters/redrives",
    allow: ["admin"],
  },
  {
    operation: "change-dead-letters",
    method: "POST",
    path: "/v1/admin/dead-letters/discards",
    allow: ["admin"],
  },
  { operation: "prove-money", method: "GET", path: "/v1/admin/proof", allow: ["admin"] },
  {
    operation: "put-integration",
    method: "PUT",
    path: "/v1/integrations/{integrationId}",
    allow: ["publisher"],
  },
  {
    operation: "put-integration",
    method: "PATCH",
    path: "/v1/integrations/{integrationId}",
    allow: ["publisher"],
  },
  {
    operation: "read-integrations",
    method: "GET",
    path: "/v1/integrations",
    allow: ["publisher"],
  },
  {
    operation: "read-integrations",
    method: "GET",
    path: "/v1/integrations/{integrationId}",
    allow: ["publisher"],
  },
  {
    operation: "delete-integration",
    method: "DELETE",
    path: "/v1/integrations/{integrationId}",
    allow: ["publisher"],
  },
  {
    operation: "rotate-integration-secret",
    method: "POST",
    path: "/v1/integrations/{integrationId}/secret",
    allow: ["publisher"],
  },
  {
    operation: "test-integration",
    method: "POST",
    path: "/v1/integrations/{integrationId}/test",
    allow: ["publisher"],
  },
] as const satisfies readonly Route[];

export type Operation = (typeof routes)[number]["operation"];
