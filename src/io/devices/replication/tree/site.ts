/** One dataset during one call: its records, and the volumes below. */
import type { Call } from '../../call.ts';
import { IoError } from '../../error.ts';
import { describe } from '../../volumes/names.ts';
import type { Dataset, DatasetSpec, SnapInfo } from '../../volumes/port.ts';
import type { Hands } from '../backend.ts';
import { refusal } from '../refusals.ts';
import type { TreeMeans } from './means.ts';
import type { ReplicaRecord, Work } from './record.ts';
import { noRecord, parseRecord, parseWork, recordKey, workKey, written } from './record.ts';
import { recordsName } from './records.ts';

export interface Site {
  readonly of: Dataset;
  readonly means: TreeMeans;
  readonly hands: Hands;
  /** With the time that is left now. */
  readonly call: Call;
}

/** @throws IoError INVALID for what is not anybody's dataset */
export function siteOf(means: TreeMeans, of: Dataset, hands: Hands): Site {
  if (of.name === recordsName) throw refusal(hands, 'INVALID', 'FloatLab remembers its replicas there');
  return {
    ...{ of, means, hands },
    get call() {
      return callOf(hands);
    },
  };
}

export const callOf = ({ within }: Pick<Hands, 'within'>): Call => ({
  signal: within.signal,
  timeoutMs: within.timeoutMs,
  progress: () => undefined,
});

export async function readRecord({ of, means, call }: Pick<Site, 'of' | 'means' | 'call'>): Promise<ReplicaRecord> {
  const text = await means.records.read(of.pool, recordKey(of.name), call);
  return text === undefined ? noRecord : parseRecord(text, `the record of ${describe(of)}`);
}

export const writeRecord = ({ of, means, call }: Site, record: ReplicaRecord): Promise<void> =>
  means.records.write(of.pool, recordKey(of.name), written(record), call);

export async function readWork({ of, means, call }: Site): Promise<Work | undefined> {
  const text = await means.records.read(of.pool, workKey(of.name), call);
  return text === undefined ? undefined : parseWork(text, `the record of what is done to ${describe(of)}`);
}

export const writeWork = ({ of, means, call }: Site, work: Work): Promise<void> =>
  means.records.write(of.pool, workKey(of.name), written(work), call);

export const endWork = ({ of, means, call }: Site): Promise<void> =>
  means.records.remove(of.pool, workKey(of.name), call);

/** What may be changed from now on, and how it is given up. */
export const newWork = ({ means }: Site, guid: string | null): Work => ({
  guid,
  isWhole: false,
  stash: `given-up-${means.id()}`,
});

/** In the order of creation, under the names and guids of the file system; undefined when there is no dataset. */
export async function snapshotsOf({ of, means, call }: Site): Promise<readonly SnapInfo[] | undefined> {
  try {
    return await means.volumes.snapshots(of, call);
  } catch (error) {
    if (error instanceof IoError && error.code === 'MISSING') return undefined;
    throw error;
  }
}

/** A replica takes what it takes: its size is asked for when it becomes a volume. */
export async function unlimited({ of, means, hands, call }: Site): Promise<DatasetSpec> {
  const pool = (await means.volumes.pools(call)).find(({ name }) => name === of.pool);
  if (!pool) throw refusal(hands, 'POOL_MISSING', 'this node has no such pool');
  return { sizeBytes: pool.sizeBytes };
}

/** By which everybody knows a snapshot. */
export const guidOf = ({ copies }: ReplicaRecord, local: string): string =>
  copies.find((copy) => copy.local === local)?.guid ?? local;
