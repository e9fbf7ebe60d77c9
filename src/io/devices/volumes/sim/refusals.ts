/** What a simulated pool refuses, in the codes of the real drivers. */
import type { IoErrorCode } from '../../error.ts';
import { IoError } from '../../error.ts';
import { describe } from '../names.ts';
import type { Dataset } from '../port.ts';
import type { SimDataset, SimDriver, SimPool } from './pools.ts';
import { foreignOf, usedBytes } from './pools.ts';

export const failure = (code: IoErrorCode, op: string, target: string, what: string, hint?: string): IoError =>
  new IoError(code, {
    op,
    target,
    message: `${op} of ${target} failed: ${what}`,
    ...(hint === undefined ? {} : { hint }),
  });

/** @throws IoError READ_ONLY; NO_SPACE when not so much can be written */
export function writable(op: string, of: Dataset, pool: SimPool, bytes: number): void {
  if (pool.state === 'read-only') throw failure('READ_ONLY', op, describe(of), 'the pool is read-only');
  if (bytes > 0 && usedBytes(pool) + bytes > pool.sizeBytes)
    throw failure('NO_SPACE', op, describe(of), 'no space left in the pool');
}

/** @param names all of them where nobody says which @throws IoError HELD */
export function refuseHeld(op: string, of: Dataset, dataset: SimDataset, names?: readonly string[]): void {
  const held = dataset.snapshots.find(
    ({ info, isHeld, peers }) => (isHeld || (peers?.size ?? 0) > 0) && (names?.includes(info.name) ?? true),
  );
  if (!held) return;
  throw failure('HELD', op, describe(of), `another tool holds ${held.info.name}`, 'Release it with `zfs release`.');
}

/** On btrfs they live on by themselves; on zfs they would go with the dataset. @throws IoError HELD */
export function refuseForeign(op: string, of: Dataset, pool: SimPool, dataset: SimDataset): void {
  const [foreign] = pool.driver === 'zfs' ? foreignOf(pool, dataset) : [];
  if (!foreign) return;
  const what = `${foreign.info.name} is a snapshot of another tool`;
  throw failure('HELD', op, describe(of), what, 'Remove it with the tool that took it.');
}

/** On zfs a name is taken whoever took the snapshot. @throws IoError EXISTS */
export function refuseForeignName(op: string, of: Dataset, pool: SimPool, dataset: SimDataset, name: string): void {
  if (pool.driver !== 'zfs' || !foreignOf(pool, dataset).some(({ info }) => info.name === name)) return;
  throw failure('EXISTS', op, describe(of), `${name} is a snapshot of another tool`);
}

/** @throws IoError INVALID */
export function checkNative(of: Dataset, driver: SimDriver, native: string): void {
  const form = driver === 'zfs' ? zfsName : absolutePath;
  if (form.test(native)) return;
  const what = driver === 'zfs' ? 'a dataset of zfs' : 'an absolute path';
  throw failure('INVALID', 'adopt', describe(of), `${JSON.stringify(native.slice(0, 200))} is not ${what}`);
}

const zfsName = /^[A-Za-z0-9][\w.: -]*(?:\/[A-Za-z0-9][\w.: -]*)*$/;
const absolutePath = /^(?:\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}]+)+$/u;
