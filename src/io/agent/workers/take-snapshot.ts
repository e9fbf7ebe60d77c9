/**
 * Takes a snapshot, or all of a set, between the commands of the app. A set is of one moment where its pool can, else
 * one follows the other; whichever it was is in the fact. Doing it again takes up what is there.
 */
import type { StreamId } from '#events/envelope.ts';
import type { SnapshotInput } from '#actors/work.ts';
import type { Dataset, SnapInfo } from '../../devices/volumes/port.ts';
import { IoError } from '../../devices/error.ts';
import { withHooks } from '../snapshot-hooks.ts';
import type { Failures, Ports, Run, Worker } from '../worker.ts';

export const takeSnapshot: Worker<'take-snapshot'> = async ({ subject, node, visit, input }, ports, run) => {
  run.fence();
  const { result, hooks } = await withHooks(input.hooks, ports, run, () => takeAll(input.snapshots, ports, run));
  const facts = input.snapshots.map(({ snapshot, visit: visited, ...of }, n) => {
    const info = result.infos[n];
    if (!info) throw new IoError('FAILED', { op: 'take-snapshot', target: of.name, message: 'a snapshot is missing' });
    return {
      snapshot,
      visit: visited,
      guid: info.guid,
      takenAt: info.createdAt,
      ...(hooks ? { hooks } : {}),
      ...(input.isSet ? { together: result.together } : {}),
    };
  });
  const [first] = facts;
  if (first && facts.length === 1)
    return { name: 'report-snapshot-taken', input: { ...first, snapshot: subject as StreamId<'snapshot'>, visit } };
  return { name: 'report-snapshots-taken', input: { node, snapshots: facts } };
};

export const snapshotFailed: NonNullable<Failures['take-snapshot']> = ({ subject, visit }, { problem }) => ({
  name: 'report-snapshot-failed',
  input: { snapshot: subject as StreamId<'snapshot'>, visit, problem },
});

interface Taken {
  /** In the order of what was asked for. */
  readonly infos: readonly SnapInfo[];
  /** They are of one moment. */
  readonly together: boolean;
}

async function takeAll(all: readonly SnapshotInput[], { volumes }: Pick<Ports, 'volumes'>, run: Run): Promise<Taken> {
  const [first] = all;
  const isOnePool = all.every(({ pool, name }) => pool === first?.pool && name === first.name);
  if (first && all.length > 1 && isOnePool) {
    run.fence();
    const infos = await orUndefined(volumes.snapshotTogether(all.map(datasetOf), first.name, run));
    if (infos) return { infos, together: true };
  }
  const infos: SnapInfo[] = [];
  for (const one of all) {
    run.fence();
    if (all.length > 1) run.progress({ text: `snapshot ${one.name}`, done: infos.length, total: all.length });
    infos.push(await volumes.snapshot(datasetOf(one), one.name, run));
  }
  return { infos, together: all.length === 1 };
}

const datasetOf = ({ pool, dataset }: SnapshotInput): Dataset => ({ pool, name: dataset });

/** The pool takes one at a time, or an attempt before this one took some of them: the others follow one by one. */
async function orUndefined<T>(taken: Promise<T>): Promise<T | undefined> {
  try {
    return await taken;
  } catch (error) {
    if (error instanceof IoError && ['UNSUPPORTED', 'EXISTS'].includes(error.code)) return undefined;
    throw error;
  }
}
