import { createHash, randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pacing } from "../core/values/retry.ts";
import type { Clock } from "../core/values/time.ts";

/** What `core` is given of the machine it runs on. */
export const systemClock: Clock = { nowMs: () => Date.now() };
export const systemPacing: Pacing = { sleep: (delayMs) => sleep(delayMs), random: Math.random };
export const sha256Hex = (data: string | Uint8Array) =>
  createHash("sha256").update(data).digest("hex");
export const randomHex = (bytes: number) => randomBytes(bytes).toString("hex");
export const newId = () => randomUUID();
