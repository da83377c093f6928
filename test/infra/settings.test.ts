import { describe, expect, test } from "vitest";
import { readSettings } from "../../lib/settings.ts";
import { contextOf, settingsOf } from "./support/synthesize.ts";

describe("settings", () => {
  test.each(["local", "dev", "prod"])("of %s are complete", (stage) => {
    expect(settingsOf(stage)).toMatchObject({
      stage,
      currency: "USD",
      settlement: { minMicros: "0" },
    });
  });

  test("dev is what a plain synth takes", () => {
    expect(readSettings({ ...contextOf("dev") }).stage).toBe("dev");
  });

  test("an issuer given on the command line wins over the one in cdk.json", () => {
    const context = { ...contextOf("prod"), issuer: "https://id.example.org/" };
    expect(readSettings(context).issuer).toBe("https://id.example.org/");
  });
});

describe("a mistake is an error that names it", () => {
  test.each([
    [
      { allowedOrigin: [] },
      'stages.dev: unknown key "allowedOrigin"; did you mean "allowedOrigins"',
    ],
    [{ retaindata: true }, 'unknown key "retaindata"; did you mean "retainData"?'],
    [
      { settlement: { minMicro: "5" } },
      'stages.dev.settlement: unknown key "minMicro"; did you mean "minMicros"?',
    ],
    [{ alarms: { zzz: 1 } }, 'stages.dev.alarms: unknown key "zzz"; known keys: backlogMessages'],
    [{ settlement: { minMicros: 0.5 } }, "stages.dev.settlement.minMicros: "],
    [{ allowedOrigins: ["*"] }, "stages.dev.allowedOrigins.0: must be a URL"],
    [{ allowedOrigins: ["https://a.example/"] }, "must be an exact origin"],
    [{ issuer: "http://id.example.org" }, "stages.dev.issuer: must be an https URL"],
    [{ dedupeTtlDays: 91 }, "stages.dev.dedupeTtlDays: "],
    [{ currency: "EUR" }, "stages.dev.currency: "],
    [{ payouts: { dayOfMonth: 29 } }, "stages.dev.payouts.dayOfMonth: "],
    [{ payouts: { minMicros: 10 } }, "stages.dev.payouts.minMicros: "],
    [{ payouts: { minMicros: `1${"0".repeat(16)}` } }, "must be at most 1000000000000000,"],
    [{ payouts: { debtor: { name: "P", iban: "x" } } }, "stages.dev.payouts.debtor.iban: "],
    [
      { payouts: { debtor: { name: "P", iban: "DE88370400440532013000" } } },
      "stages.dev.payouts.debtor.iban: has wrong check digits",
    ],
    [{ invalidTraffic: { holdDays: 0 } }, "stages.dev.invalidTraffic.holdDays: "],
    // A job may wait a day for a service that is down, and then has to say so.
    [{ jobs: { retentionDays: 1 } }, "stages.dev.jobs.retentionDays: "],
    [
      { jobs: { maxLongPolls: 3, maxLongPollsPerOwner: 3 } },
      "stages.dev.jobs.maxLongPollsPerOwner: must be less than maxLongPolls",
    ],
    [
      { backpressure: { low: { soft: { waiting: 20_000, oldestSeconds: 60 } } } },
      "stages.dev.backpressure.low: must rise from soft to hard to full",
    ],
    [{ backpressure: { money: { fill: {} } } }, 'unknown key "fill"; did you mean "full"?'],
    [{ rateLimits: { ip: { burst: 5 } } }, "stages.dev.rateLimits.ip.ratePerSecond: "],
    [{ pools: { closeHour: 6 } }, 'unknown key "closeHour"; did you mean "closeHours"?'],
  ])("%j", (overrides, message) => {
    expect(() => settingsOf("dev", overrides)).toThrow(message);
  });

  test("in the context, or on the command line", () => {
    const context = { ...contextOf("dev"), isuer: "https://id.example.org" };
    expect(() => readSettings(context)).toThrow('unknown key "isuer"; did you mean "issuer"?');
  });

  test("in the name of a stage", () => {
    expect(() => readSettings({ ...contextOf("dev"), stage: "prodd" })).toThrow(
      'cdk.json has no stage "prodd" (it has: local, dev, prod)',
    );
  });
});
