import { randomBytes } from "node:crypto";

/** Of a trace that is in every sample: its steps are kept for certain. */
export const sampledTraceId = () => `${randomBytes(12).toString("hex")}00000000`;

/** Of one that is in no sample smaller than all. */
export const unsampledTraceId = () => `${randomBytes(12).toString("hex")}ffffffff`;
