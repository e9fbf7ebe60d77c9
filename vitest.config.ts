import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** One project per kind of test: `unit` (pure), `sim` (seeded), `int` (real devices), `e2e` (browser), `thorough`. */
const project = (name: string, include: string[], options: object = {}) => ({
  test: { name, include, environment: 'node', ...options },
});

/**
 * No test file leaves anything behind in the modules of another: to load them once for all files of a worker saves a third
 * of the time.
 */
const shared = { isolate: false };
/** The simulator never waits. Another number of workers than the other kinds have asks for a turn of its own. */
const onCores = { maxWorkers: availableParallelism(), sequence: { groupOrder: 1 } };
/** Where it leaves the cores to others (see `scripts/test.mjs`), half a minute of work may take many. */
const besideOthers = { testTimeout: 900_000, hookTimeout: 300_000 };
/**
 * Real kernels, engines and browsers, several at once, on a machine that others use, too: in CI what failed once is tried
 * once more, and `scripts/test.mjs` names it all the same. What is broken fails twice.
 */
const onRealThings = { testTimeout: 300_000, hookTimeout: 300_000, retry: process.env['CI'] === 'true' ? 1 : 0 };
/** Tests of devices mostly wait for engines and disks, and each has its own: several files at once cost little. */
const onDevices = {
  ...onRealThings,
  maxWorkers: 4,
  sequence: { groupOrder: 2 },
};
/** Browsers share nothing but the built web app: it is built before the first of them begins. */
const inBrowsers = {
  ...onDevices,
  globalSetup: './test/e2e/built-web.ts',
};

/**
 * Files that take long and are small. Vitest begins with the largest file where it has no times of a run before, as in
 * CI; these begin before all, so that no worker is left alone with one at the end.
 */
const longest =
  /\/(lab|canaries|stop-all(-own)?|btrfs-crash|zfs-crash|zfs-fuse|btrfs|dir|real-(contract|web|lab|engine)|accessibility-\w+|clicks|membership|upgrade|clocks|recipes(-\w+)?|replicas|torture)(\.\w+)?\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isShort = ({ moduleId }: TestSpecification) => (longest.test(moduleId) ? 0 : 1);
    return (await super.sort(files)).toSorted((one, other) => isShort(one) - isShort(other));
  }
}

export default defineConfig({
  test: {
    // As in the programs: see `bin/v8.js`.
    execArgv: ['--no-turbo-allocation-folding'],
    // Where one waits for a clock, a process or a page, another works: half as many again as there are cores.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    sequence: { sequencer: LongestFirst },
    coverage: { include: ['src/**/*.{ts,tsx}'], reporter: ['text-summary', 'html'] },
    projects: [
      project('unit', ['test/**/*.test.ts'], {
        exclude: ['test/**/*.{sim,int,e2e,thorough,openzfs}.test.ts'],
        // Properties are tried hundreds of times; on a busy machine that takes longer than a person would wait.
        testTimeout: 60_000,
        hookTimeout: 60_000,
        ...shared,
      }),
      project('sim', ['test/**/*.sim.test.ts'], { ...besideOthers, ...shared, ...onCores }),
      project('int', ['test/**/*.int.test.ts'], { ...onDevices, ...shared }),
      project('e2e', ['test/**/*.e2e.test.ts'], { ...inBrowsers, ...shared }),
      // On real devices too, and too long for every day: `npm run test:thorough`.
      project('thorough', ['test/**/*.thorough.test.ts'], onDevices),
      // Where OpenZFS is in an emulated machine, this takes an hour: `npm run test:openzfs`.
      project('openzfs', ['test/**/*.openzfs.test.ts'], { testTimeout: 900_000, hookTimeout: 300_000 }),
    ],
  },
});
