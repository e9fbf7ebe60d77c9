/**
 * Work of a hand-over, at both ends: the volume's node demotes it, the replica's node seals and promotes, and when it was
 * given up the volume's node takes it back (`actors/volume/handover.ts` has the whole way).
 *
 * Each step is one decisive call to the port of replication, under the epoch of the event that asked for it: a dataset
 * that knows a higher one refuses, whatever this node believes. A node that has just started may know an old lab only,
 * so that each of them first learns what was decided until now.
 */
import type { WorkOrder } from '#actors/work.ts';
import type { StreamId } from '#events/envelope.ts';
import { IoError } from '../../devices/error.ts';
import type { Bases } from '../../devices/replication/port.ts';
import type { Dataset } from '../../devices/volumes/port.ts';
import type { Failures, Workers } from '../worker.ts';

type HandoverWork = 'demote-dataset' | 'seal-replica' | 'promote-replica' | 'take-back-dataset';
type Order = WorkOrder<HandoverWork>;

const datasetOf = ({ input: { pool, dataset } }: Order): Dataset => ({ pool, name: dataset });
const reportOf = ({ subject, visit }: Order) => ({ volume: subject as StreamId<'volume'>, visit });

export const handoverWorkers: Pick<Workers, HandoverWork> = {
  'demote-dataset': async (order, { replication }, run) => {
    const { epoch, lineage, final, byFiles } = order.input;
    await run.caughtUp();
    const how = { epoch, lineage, final, ...(byFiles ? { format: 'tree' as const } : {}) };
    const { name, guid, createdAt } = await replication.demote(datasetOf(order), how, run);
    return {
      name: 'report-volume-demoted',
      input: { ...reportOf(order), final: { name, guid, takenAt: createdAt } },
    };
  },

  'seal-replica': async (order, { replication }, run) => {
    await run.caughtUp();
    const sealed = await replication.seal(datasetOf(order), order.input.epoch, run);
    const newest = sealed?.role === 'replica' ? sealed.newest : undefined;
    return { name: 'report-volume-sealed', input: { ...reportOf(order), newest: newest ?? null } };
  },

  'promote-replica': async (order, { replication, volumes }, run) => {
    const { epoch, spec, snapshots } = order.input;
    await run.caughtUp();
    await replication.promote(datasetOf(order), epoch, spec, run);
    const held = guidsIn(await replication.bases(datasetOf(order), run));
    run.fence();
    const { path } = await volumes.create(datasetOf(order), spec, run);
    return {
      name: 'report-volume-handed-over',
      input: { ...reportOf(order), path, lacks: snapshots.filter((guid) => !held.has(guid)) },
    };
  },

  'take-back-dataset': async (order, { replication, volumes }, run) => {
    const { epoch, spec } = order.input;
    await run.caughtUp();
    await replication.promote(datasetOf(order), epoch, spec, run);
    run.fence();
    const { path } = await volumes.create(datasetOf(order), spec, run);
    return { name: 'report-volume-taken-back', input: { ...reportOf(order), path } };
  },
};

/** @throws IoError MISSING: what was promoted has to be there */
function guidsIn(found: Bases | undefined): ReadonlySet<string> {
  if (found) return new Set(found.all.flatMap(({ kind, guid }) => (kind === 'snapshot' ? [guid] : [])));
  throw new IoError('MISSING', { op: 'promote', target: 'the volume', message: 'what was promoted is not there' });
}

const failed: NonNullable<Failures['demote-dataset'] & Failures['seal-replica']> = (order, { problem }) => ({
  name: 'report-volume-handover-failed',
  input: { ...reportOf(order), problem },
});

/** Until it is decided a move that cannot be done is given up; from then on, and on the way back, it is tried on. */
export const handoverFailures: Pick<Failures, HandoverWork> = {
  'demote-dataset': failed,
  'seal-replica': failed,
  'promote-replica': null,
  'take-back-dataset': null,
};

export const handoverTimeoutsMs: Readonly<Record<HandoverWork, number>> = {
  'demote-dataset': 300_000,
  'seal-replica': 120_000,
  'promote-replica': 300_000,
  'take-back-dataset': 300_000,
};
