import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, type Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { readCdkContext } from "../../../lib/cdk-context.ts";
import { PennylineApp } from "../../../lib/pennyline-app.ts";
import { readSettings, type Settings } from "../../../lib/settings.ts";
import { StateStack } from "../../../lib/stacks/state-stack.ts";

type Overrides = Readonly<Record<string, unknown>>;

const folders: string[] = [];

/** For `afterAll`: synthesized folders are large. */
export function removeSynthesized(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "pennyline-synth-"));
  folders.push(folder);
  return folder;
}

/** cdk.json as it stands, for one stage, with some of its settings replaced. */
export function contextOf(stage: string, overrides: Overrides = {}): Record<string, unknown> {
  const context = readCdkContext();
  const stages = context.stages as Record<string, object>;
  return { ...context, stage, stages: { ...stages, [stage]: { ...stages[stage], ...overrides } } };
}

export function settingsOf(stage: string, overrides: Overrides = {}): Settings {
  return readSettings(contextOf(stage, overrides));
}

export function newApp(stage: string, overrides: Overrides = {}): PennylineApp {
  // Templates are looked at, not deployed: bundles need not be copied.
  const context = { ...contextOf(stage, overrides), "aws:cdk:disable-asset-staging": true };
  return new PennylineApp({ context, outdir: newFolder() });
}

/** The state stack by itself: enough for settings, tables and queues, and quick. */
export function newState(stage: string, overrides: Overrides = {}): StateStack {
  const app = new App({ context: contextOf(stage), outdir: newFolder() });
  return new StateStack(app, "PennylineState", settingsOf(stage, overrides));
}

export interface Templates {
  readonly state: Template;
  readonly connections: Template;
  readonly webhooks: Template;
  readonly api: Template;
  readonly apiWork: Template;
  readonly apiStage: Template;
  readonly workers: Template;
  readonly settlement: Template;
  readonly payouts: Template;
  readonly reviews: Template;
  readonly audit: Template;
  readonly jobs: Template;
  readonly notifications: Template;
  readonly deadLetters: Template;
  readonly backpressure: Template;
  readonly monitoring: Template;
  readonly all: readonly Template[];
}

const synthesized = new Map<string, Templates>();

/** Every template of a stage, cdk-nag included. Takes seconds, once for files that share a worker. */
export function synthesize(stage: string): Templates {
  const templates = synthesized.get(stage) ?? synthesizeAnew(stage);
  synthesized.set(stage, templates);
  return templates;
}

function synthesizeAnew(stage: string): Templates {
  const app = newApp(stage);
  const of = (stack: Stack) => Template.fromStack(stack);
  const named = {
    state: of(app.state),
    connections: of(app.connections),
    webhooks: of(app.webhooks),
    api: of(app.api),
    apiWork: of(app.api.work),
    apiStage: of(app.api.stage),
    workers: of(app.workers),
    settlement: of(app.settlement),
    payouts: of(app.payouts),
    reviews: of(app.reviews),
    audit: of(app.audit),
    jobs: of(app.jobs),
    notifications: of(app.notifications),
    deadLetters: of(app.deadLetters),
    backpressure: of(app.backpressure),
    monitoring: of(app.monitoring),
  };
  return { ...named, all: Object.values(named) };
}
