/** Work on volumes: each is one idempotent call to the volume port. */
import type { StreamId } from '#events/envelope.ts';
import type { DatasetInput, WorkInput } from '#actors/work.ts';
import { IoError } from '../../devices/error.ts';
import type { Dataset } from '../../devices/volumes/port.ts';
import { comesToAnEnd } from '../endings.ts';
import { unheld } from '../unheld.ts';
import type { Failures, Ports, Run, Workers } from '../worker.ts';

type DatasetWork = 'create-dataset' | 'clone-dataset' | 'destroy-dataset' | 'remove-snapshot';

const datasetOf = ({ pool, dataset }: DatasetInput): Dataset => ({ pool, name: dataset });
const volumeOf = (subject: StreamId) => subject as StreamId<'volume'>;
const snapshotOf = (subject: StreamId) => subject as StreamId<'snapshot'>;

export const datasetWorkers: Pick<Workers, DatasetWork> = {
  'create-dataset': async ({ subject, visit, input }, { volumes }, run) => {
    if (input.isThere && !(await volumes.inspect(datasetOf(input), run))) throw gone(input);
    run.fence();
    const { path } = await volumes.create(datasetOf(input), input.spec, run);
    return {
      name: 'report-volume-provisioned',
      input: { volume: volumeOf(subject), visit, dataset: input.dataset, path },
    };
  },

  'clone-dataset': async ({ subject, visit, input }, { volumes }, run) => {
    run.fence();
    const { path } = await volumes.clone(datasetOf(input.from), input.snapshot, datasetOf(input), input.spec, run);
    return {
      name: 'report-volume-provisioned',
      input: { volume: volumeOf(subject), visit, dataset: input.dataset, path },
    };
  },

  'destroy-dataset': async ({ subject, visit, input }, { volumes, replication }, run) => {
    // It may have been recovered since, where this node has just been started and knows an old lab only.
    await run.caughtUp();
    await unheld(datasetOf(input), input.needed, replication, run, () =>
      volumes.destroy(datasetOf(input), { scrub: input.scrub }, run),
    );
    return { name: 'report-volume-deleted', input: { volume: volumeOf(subject), visit } };
  },

  'remove-snapshot': async ({ subject, visit, input }, { volumes, replication }, run) => {
    const of = datasetOf(input);
    run.fence();
    try {
      await unheld(of, input.needed, replication, run, () => volumes.removeSnapshots(of, [input.name], run));
    } catch (error) {
      throw (await isForReplica(error, input, replication, run)) ? passing(error as IoError) : error;
    }
    return { name: 'report-snapshot-removed', input: { snapshot: snapshotOf(subject), visit } };
  },
};

/** It is held because a replica stands on it, or is on its way there, by the lab's own word: that passes by itself. */
async function isForReplica(
  error: unknown,
  input: WorkInput['remove-snapshot'],
  replication: Ports['replication'],
  run: Run,
): Promise<boolean> {
  if (!(error instanceof IoError) || error.code !== 'HELD') return false;
  const bases = await replication.bases(datasetOf(input), run).catch(() => undefined);
  const base = bases?.all.find(({ kind, name }) => kind === 'snapshot' && name === input.name);
  return base?.peers.some((peer) => input.needed?.[peer]?.includes(base.guid)) ?? false;
}

const passing = ({ op, target, message, hint, cause }: IoError): IoError =>
  new IoError('BUSY', { op, target, message, ...(hint === undefined ? {} : { hint }), cause });

/** Nothing is made in its place: an empty volume would be taken for its data. */
function gone({ pool, dataset }: DatasetInput): IoError {
  const target = `${pool}/${dataset}`;
  return new IoError('MISSING', {
    op: 'look',
    target,
    message: `the dataset ${target} is not there any more`,
    hint: 'Put it back where it was; the lab finds it. If it is lost, delete the volume, and recover it from a backup.',
  });
}

const volumeFailed: NonNullable<
  Failures['create-dataset'] & Failures['clone-dataset'] & Failures['destroy-dataset']
> = ({ subject, visit }, { problem }) => ({
  name: 'report-volume-failed',
  input: { volume: volumeOf(subject), visit, problem },
});

export const datasetFailures: Pick<Failures, DatasetWork> = {
  'create-dataset': volumeFailed,
  'clone-dataset': volumeFailed,
  'destroy-dataset': (order, error) => (comesToAnEnd(error) ? undefined : volumeFailed(order, error)),
  // It stays while something else holds it; whatever else is in the way passes.
  'remove-snapshot': ({ subject, visit }, { code, problem }) =>
    code === 'HELD'
      ? { name: 'report-snapshot-held', input: { snapshot: snapshotOf(subject), visit, problem } }
      : undefined,
};
