import { subscribe } from "node:diagnostics_channel";
import type { KillAtCall } from "./messages.ts";

let armed: KillAtCall | undefined;
let calls = 0;

/** Arms (or disarms) the fault for the invocation that starts now. */
export function killAtCall(fault: KillAtCall | undefined): void {
  armed = fault;
  calls = 0;
}

const started = () => {
  calls += 1;
  // Exiting inside the constructor of the request: not a byte has left the process.
  if (armed?.when === "before" && calls === armed.call) process.exit(1);
};
const answered = () => {
  // The server has done its part; the function never learns of it.
  if (armed?.when === "after" && calls >= armed.call) process.exit(1);
};

// AWS SDKs call through node:http, `fetch` through undici; one call is one of the two.
subscribe("http.client.request.created", started);
subscribe("http.client.response.finish", answered);
subscribe("undici:request:create", started);
subscribe("undici:request:headers", answered);
