import { isbot } from "isbot";
import type { IsBot } from "../core/earnings/judge-engagement.ts";

/** Going by the list of known bots that the library keeps: https://github.com/omrilotan/isbot */
export const isKnownBot: IsBot = (userAgent) => isbot(userAgent);
