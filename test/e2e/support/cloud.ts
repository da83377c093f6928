import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject, onTestFinished } from "vitest";
import { type Cloud, type CloudOptions, startCloud } from "../../../local/cloud.ts";

export type TestCloudOptions = Partial<CloudOptions>;

/**
 * Starts the application on a free port and a data folder of its own. Schedules run only by
 * `fireSchedule`, and what it has to say is in `messages`. Stop it with `stopTestCloud`.
 */
export async function startTestCloud(options: TestCloudOptions = {}): Promise<TestCloud> {
  const dataDir = options.dataDir ?? temporaryFolder();
  const messages: string[] = [];
  const cloud = await startCloud({
    assemblyDir: inject("assemblyDir"),
    schedules: false,
    quiet: true,
    onMessage: (message) => messages.push(message),
    ...options,
    dataDir,
  });
  return Object.assign(cloud, { messages });
}

export type TestCloud = Cloud & { readonly messages: readonly string[] };

/** The same for one test: stopped and deleted when the test is over. */
export async function cloudForTest(options: TestCloudOptions = {}): Promise<TestCloud> {
  const cloud = await startTestCloud(options);
  onTestFinished(() => stopTestCloud(cloud));
  return cloud;
}

export async function stopTestCloud(cloud: Cloud | undefined): Promise<void> {
  if (cloud === undefined) return;
  await cloud.stop();
  rmSync(cloud.dataDir.path, { recursive: true, force: true });
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "pennyline-"));
}
