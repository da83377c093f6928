/** What the thread of an environment is started with. */
export interface EnvironmentSettings {
  readonly taskRoot: string;
  readonly handler: string;
  readonly logFile: string;
  readonly jsonLogs: boolean;
  readonly functionName: string;
  readonly functionArn: string;
  readonly memoryMb: number;
  readonly logGroup: string;
}

/** Ends the thread at its n-th outbound HTTP call: before it is sent, or once it is answered. */
export interface KillAtCall {
  readonly call: number;
  readonly when: "before" | "after";
}

export interface InvokeMessage {
  readonly requestId: string;
  /** JSON text, as Lambda hands it over. */
  readonly payload: string;
  readonly timeoutMs: number;
  readonly traceHeader: string;
  readonly killAtCall?: KillAtCall;
  /** Does nothing for so long before the handler runs. */
  readonly hangMs?: number;
}

export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

/** What the thread says. */
export type EnvironmentMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "init-failed"; readonly error: FunctionError }
  | { readonly kind: "succeeded"; readonly payload: string }
  | { readonly kind: "failed"; readonly error: FunctionError; readonly fatal: boolean }
  | { readonly kind: "metrics"; readonly metrics: readonly PrintedMetric[] };

/** A metric that a function printed in CloudWatch's embedded metric format. */
export interface PrintedMetric {
  readonly namespace: string;
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
  /** Each set is a metric of its own. */
  readonly dimensionSets: readonly Readonly<Record<string, string>>[];
}
