/** A real btrfs pool for the tests of one file, and in it two fresh datasets for each of them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Dataset } from '#io/devices/volumes/port.ts';
import { patient } from '#test/contracts/volumes.ts';
import { tempPool, type TempPool } from '#test/pool-fixture.ts';

export const MiB = 2 ** 20;
/** Of each dataset. */
export const size = 32 * MiB;

export interface BtrfsPair {
  readonly pool: TempPool;
  /** Each has a file with its name, and a snapshot `s` of that. */
  readonly of: Dataset;
  readonly other: Dataset;
  /** Of this test: for names that no other one has. */
  readonly count: number;
  /** The folder of FloatLab for a dataset; `of` when none is named. */
  home(dataset?: Dataset): string;
  btrfs(...args: string[]): Promise<string>;
}

/** To be called where tests are described. @returns what each of them asks, once it runs */
export function btrfsPair(): () => BtrfsPair {
  let pool: TempPool | undefined;
  let count = 0;
  let now: BtrfsPair | undefined;
  beforeAll(async () => {
    pool = await tempPool();
  });
  afterAll(() => pool?.dispose());
  beforeEach(async () => {
    if (pool) now = await pairIn(pool, ++count);
  });
  return () => {
    if (!now) throw new Error('no test has begun yet');
    return now;
  };
}

async function pairIn(pool: TempPool, count: number): Promise<BtrfsPair> {
  const of = { pool: 'test', name: `db-${count}` };
  const other = { pool: 'test', name: `other-${count}` };
  const home = (dataset: Dataset = of) => join(pool.mountpoint, 'floatlab', 'volumes', dataset.name);
  for (const dataset of [of, other]) {
    await pool.volumes.create(dataset, { sizeBytes: size }, patient());
    await writeFile(join(home(dataset), 'live', 'file'), dataset.name);
    await pool.volumes.snapshot(dataset, 's', patient());
  }
  return { pool, of, other, count, home, btrfs: (...args) => pool.tool('btrfs', ...args) };
}
