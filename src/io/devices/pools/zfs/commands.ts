/** The commands of `zpool` and what its versions know. No decisions about pools here. */
import type { Ran, RunCommand } from '../../run.ts';
import type { Deadline } from '../../volumes/deadline.ts';
import type { PoolReport } from '../report.ts';
import { damaged } from '../damaged.ts';
import { isUnknown, zpoolError } from './errors.ts';
import { parseZpoolStatusJson } from './status-json.ts';
import { parseZpoolStatus } from './status.ts';
import { parseNumber } from './units.ts';

export interface Zpool {
  /** Whatever its exit code is. */
  ask(...args: readonly string[]): Promise<Ran>;
  /** @throws IoError when it fails */
  must(...args: readonly string[]): Promise<string>;
  /** Another program. @returns what it said @throws IoError when it fails */
  tool(file: string, ...args: readonly string[]): Promise<string>;
  /** Whether there is such a file. */
  has(path: string): Promise<boolean>;
  /** @throws IoError POOL_MISSING, DAMAGED */
  report(): Promise<PoolReport>;
}

/** How a version tells its status: 2.3 in JSON, since 0.6 with exact numbers, zfs-fuse as it can. */
type Dialect = 'json' | 'exact' | 'old';
const dialects: readonly (readonly [Dialect, readonly string[]])[] = [
  ['json', ['status', '-j', '-p', '-v']],
  ['exact', ['status', '-p', '-v']],
  ['old', ['status', '-v']],
];

export interface Known {
  /** Found out at the first report, and kept for the life of the driver. */
  dialect?: Dialect;
}

export function zpoolFor(run: RunCommand, name: string, within: Deadline, known: Known): Zpool {
  const limits = () => ({ signal: within.signal, timeoutMs: within.timeoutMs, target: name });
  const ask = (...args: readonly string[]) => run('zpool', args, limits());
  const must = async (...args: readonly string[]) => {
    const ran = await ask(...args);
    if (ran.exitCode !== 0) throw zpoolError(`zpool ${args[0]}`, name, ran);
    return ran.stdout;
  };

  async function status(): Promise<PoolReport> {
    for (const [dialect, args] of dialects) {
      if (known.dialect !== undefined && known.dialect !== dialect) continue;
      const ran = await ask(...args, name);
      if (known.dialect === undefined && isUnknown(ran)) continue;
      if (ran.exitCode !== 0) {
        const refusal = zpoolError('zpool status', name, ran);
        // It understood the question: there is only no such pool. What does not answer at all says nothing about itself.
        if (/no such pool/.test(refusal.message)) known.dialect = dialect;
        throw refusal;
      }
      known.dialect = dialect;
      const reports = dialect === 'json' ? parseZpoolStatusJson(ran.stdout) : parseZpoolStatus(ran.stdout);
      const [report, ...others] = reports;
      if (report?.name !== name || others.length > 0)
        throw damaged('zpool status', name, 'it is about another pool', ran.stdout);
      return report;
    }
    throw damaged('zpool status', name, 'no version of it is known');
  }

  return {
    ask,
    must,
    async tool(file, ...args) {
      const ran = await run(file, args, limits());
      if (ran.exitCode !== 0) throw zpoolError(file, name, ran);
      return ran.stdout;
    },
    has: async (path) => (await run('readlink', ['-e', '--', path], limits())).exitCode === 0,
    async report() {
      const report = await status();
      // What files can take, redundancy subtracted; a pool that is away has no answer.
      const ran = await run('zfs', ['get', '-Hp', '-o', 'property,value', 'used,available', name], limits());
      const value = (property: string) =>
        parseNumber(new RegExp(`^${property}\t(\\d+)$`, 'm').exec(ran.stdout)?.[1] ?? '');
      const [usedBytes, freeBytes] = [value('used'), value('available')];
      if (usedBytes === undefined || freeBytes === undefined) return report;
      return { ...report, sizeBytes: usedBytes + freeBytes, usedBytes };
    },
  };
}
