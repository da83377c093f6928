/** Who calls: a scope of the caller's JWT, or nobody in particular. */
export const roles = ["creator", "publisher", "admin"] as const;
export type Role = (typeof roles)[number];

export interface Route {
  /** The folder in `lambdas/` and the construct that answers. */
  readonly operation: string;
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** API Gateway path syntax. An article id may hold slashes (`%2F` arrives decoded), hence greedy. */
  readonly path: string;
  /** Scopes that may call; empty: public. */
  readonly allow: readonly Role[];
}

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
    operation: "read-article",
    method: "GET",
    path: "/v1/articles/{articleId+}",
    allow: ["publisher"],
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
    operation: "read-ledger",
    method: "GET",
    path: "/v1/creators/{creatorId}/ledger",
    allow: ["creator", "publisher"],
  },
  { operation: "prove-money", method: "GET", path: "/v1/admin/proof", allow: ["admin"] },
] as const satisfies readonly Route[];

export type Operation = (typeof routes)[number]["operation"];
