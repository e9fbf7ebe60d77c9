/** Work on volumes: each is one idempotent call to the volume port. */
import type { StreamId } from '#events/envelope.ts';
import type { DatasetInput } from '#actors/work.ts';
import type { Dataset } from '../../devices/volumes/port.ts';
import type { Failures, Workers } from '../worker.ts';

type DatasetWork = 'create-dataset' | 'rollback-dataset' | 'destroy-dataset' | 'take-snapshot' | 'remove-snapshot';

const datasetOf = ({ pool, dataset }: DatasetInput): Dataset => ({ pool, name: dataset });
const volumeOf = (subject: StreamId) => subject as StreamId<'volume'>;
const snapshotOf = (subject: StreamId) => subject as StreamId<'snapshot'>;

export const datasetWorkers: Pick<Workers, DatasetWork> = {
  'create-dataset': async ({ subject, visit, input }, { volumes }, run) => {
    run.fence();
    const { path } = await volumes.create(datasetOf(input), input.sizeBytes, run);
    return {
      name: 'report-volume-provisioned',
      input: { volume: volumeOf(subject), visit, dataset: input.dataset, path },
    };
  },

  'rollback-dataset': async ({ subject, visit, input }, { volumes }, run) => {
    run.fence();
    const stash = await volumes.rollback(datasetOf(input), input.to, input.stash, run);
    return {
      name: 'report-volume-rolled-back',
      input: {
        volume: volumeOf(subject),
        visit,
        stash: { name: stash.name, guid: stash.guid, takenAt: stash.createdAt },
      },
    };
  },

  'destroy-dataset': async ({ subject, visit, input }, { volumes }, run) => {
    run.fence();
    await volumes.destroy(datasetOf(input), run);
    return { name: 'report-volume-deleted', input: { volume: volumeOf(subject), visit } };
  },

  'take-snapshot': async ({ subject, visit, input }, { volumes }, run) => {
    run.fence();
    const { guid, createdAt } = await volumes.snapshot(datasetOf(input), input.name, run);
    return { name: 'report-snapshot-taken', input: { snapshot: snapshotOf(subject), visit, guid, takenAt: createdAt } };
  },

  'remove-snapshot': async ({ subject, visit, input }, { volumes }, run) => {
    run.fence();
    await volumes.removeSnapshot(datasetOf(input), input.name, run);
    return { name: 'report-snapshot-removed', input: { snapshot: snapshotOf(subject), visit } };
  },
};

const volumeFailed: NonNullable<
  Failures['create-dataset'] & Failures['rollback-dataset'] & Failures['destroy-dataset']
> = ({ subject, visit }, { problem }) => ({
  name: 'report-volume-failed',
  input: { volume: volumeOf(subject), visit, problem },
});

export const datasetFailures: Pick<Failures, DatasetWork> = {
  'create-dataset': volumeFailed,
  'rollback-dataset': volumeFailed,
  'destroy-dataset': volumeFailed,
  'take-snapshot': ({ subject, visit }, { problem }) => ({
    name: 'report-snapshot-failed',
    input: { snapshot: snapshotOf(subject), visit, problem },
  }),
  'remove-snapshot': null,
};
