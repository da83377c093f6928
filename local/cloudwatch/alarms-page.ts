import { escapeHtml, json, page, table } from "../http/local-page.ts";
import { gatewayAnswer, type HttpAnswer } from "../http/response.ts";
import type { Alarm, Alarms } from "./alarms.ts";

export const alarmsPath = "/_local/alarms";

/** Every alarm with its history, what rings first: as a page, or as JSON. */
export function alarmsAnswer(alarms: Alarms, path: string, accept: string): HttpAnswer {
  if (path !== alarmsPath && path !== `${alarmsPath}/`) return gatewayAnswer(404, "Not Found");
  const order = ["ALARM", "INSUFFICIENT_DATA", "OK"];
  const list = alarms
    .list()
    .toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || +b.since - +a.since);
  if (!accept.includes("text/html")) return json({ alarms: list });
  const rows = list.map((alarm) => rowOf(alarm).map(escapeHtml));
  return page("Alarms", `<h1>Alarms</h1>${table(["state", "since", "alarm", "", ""], rows)}`);
}

function rowOf({ state, since, name, reason, description }: Alarm): string[] {
  return [state, since.toISOString(), name, reason, description];
}
