import { defineConfig } from 'vitest/config';

/**
 * One project per kind of test: `unit` (pure), `sim` (seeded), `int` (real devices), `e2e` (browser).
 * The last two share real engines and pools: their files run one after another.
 */
const project = (name: string, include: string[], options: object = {}) => ({
  test: { name, include, environment: 'node', ...options },
});

const serial = { fileParallelism: false, testTimeout: 120_000, hookTimeout: 120_000 };

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
      project('int', ['test/**/*.int.test.ts'], serial),
      project('e2e', ['test/**/*.e2e.test.ts'], serial),
    ],
  },
});
