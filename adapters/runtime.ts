import { createHash, randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sha256Hex } from "../core/earnings/impression-key.ts";
import type { Pacing } from "../core/values/retry.ts";
import type { Clock } from "../core/values/time.ts";

/** What `core` is given of the machine it runs on. */
export const systemClock: Clock = { nowMs: () => Date.now() };
export const systemPacing: Pacing = { sleep: (delayMs) => sleep(delayMs), random: Math.random };
export const sha256Hex: Sha256Hex = (text) => createHash("sha256").update(text).digest("hex");
export const randomHex = (bytes: number) => randomBytes(bytes).toString("hex");
export const newId = () => randomUUID();
