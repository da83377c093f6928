/** What happened since the start, for the status line, tests and alarms. */
export interface Stats {
  requests: number;
  readonly responses: Record<string, number>;
  eventsAccepted: number;
  undeliveredEvents: number;
  readonly functions: Record<string, FunctionStats>;
  /** Sums of the metrics that functions wrote in CloudWatch's embedded metric format. */
  readonly metrics: Record<string, number>;
}

export interface FunctionStats {
  invocations: number;
  errors: number;
  throttles: number;
  /** Never began: the request was over first. Or ended because the cloud stopped. */
  abandoned: number;
  coldStarts: number;
}

export function createStats(): Stats {
  return {
    requests: 0,
    responses: {},
    eventsAccepted: 0,
    undeliveredEvents: 0,
    functions: {},
    metrics: {},
  };
}

export function functionStats(stats: Stats, name: string): FunctionStats {
  stats.functions[name] ??= {
    invocations: 0,
    errors: 0,
    throttles: 0,
    abandoned: 0,
    coldStarts: 0,
  };
  return stats.functions[name];
}
