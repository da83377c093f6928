import type { CheckUrl, OutboundCaller } from "../../core/outbound/outbound-caller.ts";
import { setting } from "../lambda/environment.ts";
import { checkUrl, type OutboundRules } from "./check-url.ts";
import { outboundCaller } from "./outbound-caller.ts";

/** The rules of the stage; whatever is not plainly `true` is no. */
function rulesFromEnvironment(): OutboundRules {
  return { allowLoopback: setting("allowLoopback") === "true" };
}

export function urlCheckFromEnvironment(): CheckUrl {
  const rules = rulesFromEnvironment();
  return (text) => checkUrl(text, rules);
}

export function outboundFromEnvironment(): OutboundCaller {
  return outboundCaller(rulesFromEnvironment());
}
