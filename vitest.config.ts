import { defineConfig } from 'vitest/config';

/** One project per kind of test: `unit` (pure), `sim` (seeded), `int` (real devices), `e2e` (browser). */
const project = (name: string, include: string[], options: object = {}) => ({
  test: { name, include, environment: 'node', ...options },
});

const onRealThings = { testTimeout: 120_000, hookTimeout: 120_000 };
/** Tests of devices mostly wait for engines and disks, and each has its own: several files at once cost little. */
const onDevices = { ...onRealThings, maxWorkers: 4 };
/** Browsers share nothing but the built web app: it is built before the first of them begins. */
const inBrowsers = {
  ...onRealThings,
  maxWorkers: 2,
  globalSetup: './test/e2e/built-web.ts',
  // Another number of workers than the other kinds have asks for a turn of its own.
  sequence: { groupOrder: 2 },
};

export default defineConfig({
  test: {
    maxWorkers: '100%',
    coverage: { include: ['src/**/*.{ts,tsx}'], reporter: ['text-summary', 'html'] },
    projects: [
      project('unit', ['test/**/*.test.ts'], {
        exclude: ['test/**/*.{sim,int,e2e}.test.ts'],
        // Properties are tried hundreds of times; on a busy machine that takes longer than a person would wait.
        testTimeout: 30_000,
      }),
      project('sim', ['test/**/*.sim.test.ts'], { testTimeout: 300_000 }),
      project('int', ['test/**/*.int.test.ts'], onDevices),
      project('e2e', ['test/**/*.e2e.test.ts'], inBrowsers),
    ],
  },
});
