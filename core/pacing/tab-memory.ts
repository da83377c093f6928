import { newTab, type Tab } from "./tab.ts";

/** The tabs of one environment, by caller. */
export interface TabMemory {
  read(caller: string): Tab;
  /** @param asked the shared bucket was asked about this caller. */
  write(caller: string, tab: Tab, asked: boolean): void;
}

/**
 * Forgets whoever was silent longest. Callers about whom the shared bucket was asked are remembered
 * apart: any number of addresses that send one request each cannot push out one that sends many.
 * @param capacity callers of each of the two sorts.
 */
export function tabMemory(capacity: number): TabMemory {
  const [light, heavy] = [new Map<string, Tab>(), new Map<string, Tab>()];
  return {
    read: (caller) => heavy.get(caller) ?? light.get(caller) ?? newTab,
    write(caller, tab, asked) {
      const among = asked || heavy.has(caller) ? heavy : light;
      light.delete(caller);
      // A map keeps the order in which its keys were set.
      heavy.delete(caller);
      among.set(caller, tab);
      const [silent] = among.keys();
      if (among.size > capacity && silent !== undefined) among.delete(silent);
    },
  };
}
