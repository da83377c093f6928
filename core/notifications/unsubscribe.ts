import type { CreatorId, ReaderId } from "../contracts/ids.ts";
import type { NotificationChannel } from "../contracts/kinds.ts";
import type { CreatorStore } from "../registry/creator.ts";
import { escapeHtml } from "../values/html.ts";
import type { Clock } from "../values/time.ts";
import type { FollowerStore } from "./follower-store.ts";
import { stopChannel } from "./put-follower.ts";

/** What one link of one message ends. */
export interface Subscription {
  readonly creatorId: CreatorId;
  readonly readerId: ReaderId;
  readonly channel: NotificationChannel;
}

/** Signed, so that nobody can end what is another's; it holds for as long as the mail is kept. */
export interface UnsubscribeTokens {
  sign(subscription: Subscription): Promise<string>;
  /** undefined: we did not sign it. */
  read(token: string): Promise<Subscription | undefined>;
}

export interface Page {
  readonly status: number;
  readonly html: string;
}

interface Deps {
  readonly followers: Pick<FollowerStore, "read" | "replace">;
  readonly creators: Pick<CreatorStore, "getMany">;
  readonly clock: Clock;
}

/** Asks. Mail scanners follow links, so that looking at one must not end anything. */
export async function askToUnsubscribe(
  { followers, creators }: Deps,
  subscription: Subscription | undefined,
  token: string,
): Promise<Page> {
  if (subscription === undefined) return wrongLink;
  const { creatorId, readerId, channel } = subscription;
  const follower = await followers.read(creatorId, readerId);
  if (follower?.[channel] === undefined) return unsubscribed;
  const name = (await creators.getMany([creatorId])).get(creatorId)?.name ?? creatorId;
  const action = `?token=${encodeURIComponent(token)}`;
  return page(
    200,
    "Unsubscribe?",
    `<p>You will get no more e-mails about what ${escapeHtml(name)} publishes.</p>
<form method="post" action="${escapeHtml(action)}"><button>Unsubscribe</button></form>`,
  );
}

/** Does it; again changes nothing. */
export async function unsubscribe(
  deps: Deps,
  subscription: Subscription | undefined,
): Promise<Page> {
  if (subscription === undefined) return wrongLink;
  await stopChannel(deps, subscription, subscription.channel, "unsubscribed");
  return unsubscribed;
}

const unsubscribed = page(
  200,
  "You are unsubscribed",
  "<p>We will not write to you about this again.</p>",
);

const wrongLink = page(
  400,
  "This link is not complete",
  "<p>Open it again from the e-mail, or copy all of it.</p>",
);

function page(status: number, title: string, body: string): Page {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>
body { margin: 0; background: #f4f1ea; color: #1d1b19; font: 17px/1.6 Georgia, serif }
main { max-width: 30em; margin: 15vh auto; padding: 2.5em; background: #fffdf9; border-radius: 6px }
h1 { margin: 0 0 .5em; font-size: 1.6em; line-height: 1.25 }
button { padding: .8em 1.6em; border: 0; border-radius: 4px; background: #1d1b19; color: #fffdf9; font: inherit; cursor: pointer }
</style>
</head>
<body><main><h1>${title}</h1>
${body}
</main></body>
</html>
`;
  return { status, html };
}
