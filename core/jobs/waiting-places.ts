import type { Leases } from "../pacing/leases.ts";
import type { Pacing } from "../values/retry.ts";

/** How many long polls may wait at once, over all environments. */
export interface PlaceLimits {
  readonly perOwner: number;
  /** Of all owners together: each holds an execution that others need to be answered. */
  readonly all: number;
}

/** Why a poll is answered at once instead of waiting; also what its answer says. */
export type WaitRefusal =
  /** So many polls of this owner wait already. */
  | "too-many-of-owner"
  /** So many polls of all owners wait already. */
  | "too-many"
  /** The places could not be counted. */
  | "unavailable";

export type Place =
  | { readonly kind: "taken"; giveBack(): Promise<void> }
  | { readonly kind: "refused"; readonly why: WaitRefusal };

export interface WaitingPlaces {
  /** Takes a place for a poll that waits up to `waitMs`. Never throws. */
  take(owner: string, waitMs: number): Promise<Place>;
}

export interface WaitingPlacesDeps {
  readonly leases: Leases;
  readonly limits: PlaceLimits;
  readonly pacing: Pacing;
  /** Names the holder of a place. */
  readonly newId: () => string;
  /** A place was not taken, or not given back, because leases could not be read or written. */
  readonly onUnavailable: (error: unknown) => void;
}

/** Beyond the wait itself: a poll that was killed loses its place after this. */
const leaseGraceMs = 5_000;
/** A poll that learns nothing for so long is answered without waiting. */
const takeWithinMs = 2_000;
const giveBackWithinMs = 1_000;
/** Places that share an item: small enough to be written at once, few enough to rarely conflict. */
const placesPerShard = 10;
const shardsTried = 3;

/** Leases of `limits.all` places in shards, and of `limits.perOwner` places for each owner. */
export function waitingPlaces(deps: WaitingPlacesDeps): WaitingPlaces {
  const { leases, limits, newId, onUnavailable } = deps;

  /** The owner's first: one owner with many polls costs a read for each, and no write. */
  const take = async (owner: string, holder: string, heldMs: number): Promise<Place> => {
    const own = `long-poll#owner#${owner}`;
    const ownPlace = await leases.take(own, holder, limits.perOwner, heldMs);
    if (ownPlace.kind === "none-left") return { kind: "refused", why: "too-many-of-owner" };
    for (const { name, places } of someShards(limits.all, deps.pacing.random)) {
      const place = await leases.take(name, holder, places, heldMs);
      if (place.kind === "none-left") continue;
      return {
        kind: "taken",
        async giveBack() {
          await Promise.all([leases.giveBack(name, holder), leases.giveBack(own, holder)]);
        },
      };
    }
    await leases.giveBack(own, holder);
    return { kind: "refused", why: "too-many" };
  };

  return {
    async take(owner, waitMs) {
      try {
        const taking = take(owner, newId(), waitMs + leaseGraceMs);
        const place = await Promise.race([taking, tooLate(deps.pacing)]);
        if (place.kind === "refused") return place;
        // One that is not given back is over by itself; the answer does not wait for it.
        const giveBack = () =>
          Promise.race([
            place.giveBack().catch(onUnavailable),
            deps.pacing.sleep(giveBackWithinMs),
          ]);
        return { ...place, giveBack };
      } catch (error) {
        onUnavailable(error);
        return { kind: "refused", why: "unavailable" };
      }
    },
  };
}

/** What is taken later than this is not given back: the lease ends it. */
async function tooLate({ sleep }: Pacing): Promise<never> {
  await sleep(takeWithinMs);
  throw new Error(`no place to wait within ${takeWithinMs} ms`);
}

/**
 * The shards to ask for a place, in random order. With more than `shardsTried` of them a poll may be
 * refused while a few places are free, which is cheaper than asking all.
 */
function someShards(all: number, random: () => number) {
  const count = Math.ceil(all / placesPerShard);
  const first = Math.floor(random() * count);
  return Array.from({ length: Math.min(shardsTried, count) }, (_, step) => {
    const shard = (first + step) % count;
    // Spread as evenly as they go.
    const places = Math.floor(all / count) + (shard < all % count ? 1 : 0);
    return { name: `long-poll#shard#${shard}`, places };
  });
}
