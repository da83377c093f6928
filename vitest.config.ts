import { defineConfig } from "vitest/config";

const project = (name: string, options: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], ...options },
});

export default defineConfig({
  test: {
    // Generous, because machines are shared: nothing here is about speed.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    projects: [
      project("unit"),
      // Templates are synthesized once and only read: modules may be shared between files.
      project("infra", { isolate: false }),
      project("simulation", { testTimeout: 240_000 }),
      project("e2e", { globalSetup: "test/e2e/support/global-setup.ts" }),
    ],
  },
});
