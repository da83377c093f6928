import { z } from "zod";

const changeShape = z.object({
  at: z.coerce.date(),
  from: z.string(),
  to: z.string(),
  reason: z.string(),
});
const pageShape = z.object({
  alarms: z.array(
    z.object({
      ...{ name: z.string(), description: z.string(), state: z.string(), reason: z.string() },
      history: z.array(changeShape),
    }),
  ),
});
export type Alarm = z.infer<typeof pageShape>["alarms"][number];
export type Change = z.infer<typeof changeShape>;

/** The alarms as they are told on this machine, by their names without the stage's prefix. */
export interface AlarmBoard {
  get(name: string): Promise<Alarm>;
}

const prefix = "pennyline-local-";
const freshMs = 400;

export function alarmBoard(url: () => string): AlarmBoard {
  const readNow = async () => {
    const response = await fetch(`${url()}/_local/alarms`);
    const { alarms } = pageShape.parse(await response.json());
    return alarms.map((alarm) => ({ ...alarm, name: alarm.name.replace(prefix, "") }));
  };
  let known: { readonly atMs: number; readonly alarms: ReturnType<typeof readNow> } | undefined;
  /** Rounds that wait side by side look at the same page. */
  const read = () => {
    if (known === undefined || Date.now() - known.atMs > freshMs) {
      known = { atMs: Date.now(), alarms: readNow() };
    }
    return known.alarms;
  };
  return {
    async get(name) {
      const alarm = (await read()).find((one) => one.name === name);
      if (alarm !== undefined) return alarm;
      throw new Error(`there is no alarm ${name}`);
    },
  };
}

/** When it rang for the first time since then, or before if it still does. */
export function rangSince({ history, state }: Alarm, sinceMs: number): Change | undefined {
  const rings = history.filter(({ to }) => to === "ALARM");
  const since = rings.find(({ at }) => at.getTime() >= sinceMs);
  return since ?? (state === "ALARM" ? rings.at(-1) : undefined);
}

/** Where to read what to do about it. */
export const runbookOf = ({ description }: Alarm) => /docs\/\S+$/.exec(description)?.[0] ?? "";
