/** What a reader can do that earns a creator money, in the order of the public API. */
export const engagementKinds = ["view", "read", "reaction", "comment", "search_visit"] as const;

export type EngagementKind = (typeof engagementKinds)[number];
