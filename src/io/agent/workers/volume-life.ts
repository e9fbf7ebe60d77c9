/** Work on volumes as wholes: taking over what is there, giving it back, and moving into another dataset. */
import type { StreamId } from '#events/envelope.ts';
import { formatSize } from '#events/values/size.ts';
import type { DatasetInput } from '#actors/work.ts';
import { IoError } from '../../devices/error.ts';
import type { Dataset } from '../../devices/volumes/port.ts';
import { unheld } from '../unheld.ts';
import { comesToAnEnd } from '../endings.ts';
import type { Failures, Ports, Run, Workers } from '../worker.ts';

type LifeWork = 'adopt-dataset' | 'release-dataset' | 'copy-dataset' | 'move-dataset';

const datasetOf = ({ pool, dataset }: DatasetInput): Dataset => ({ pool, name: dataset });
const volumeOf = (subject: StreamId) => subject as StreamId<'volume'>;

export const lifeWorkers: Pick<Workers, LifeWork> = {
  'adopt-dataset': async ({ subject, visit, input }, { volumes }, run) => {
    const dataset = datasetOf(input);
    run.fence();
    const { usedBytes } = await volumes.adopt(input.native, dataset, run);
    if (usedBytes > input.spec.sizeBytes) {
      run.fence();
      await volumes.release(dataset, run);
      throw new IoError('INVALID', {
        op: 'adopt',
        target: input.native,
        message: `${input.native} holds ${formatSize(usedBytes)}, more than the ${formatSize(input.spec.sizeBytes)} that the volume shall have`,
        hint: 'Release the volume, and adopt it with a larger size.',
      });
    }
    run.fence();
    const { path } = await volumes.create(dataset, input.spec, run);
    return {
      name: 'report-volume-provisioned',
      input: { volume: volumeOf(subject), visit, dataset: input.dataset, path },
    };
  },

  'release-dataset': async ({ subject, visit, input }, { volumes, replication }, run) => {
    // It may have been adopted again since, where this node has just been started and knows an old lab only.
    await run.caughtUp();
    await unheld(datasetOf(input), input.needed, replication, run, () => volumes.release(datasetOf(input), run));
    return { name: 'report-volume-released', input: { volume: volumeOf(subject), visit } };
  },

  'copy-dataset': async ({ subject, visit, input }, ports, run) => {
    await movable(async () => {
      const { from, to } = await bothOf(input, ports, run);
      run.progress({ text: 'copying what is there' });
      run.fence();
      await ports.content.copy(from, to, run);
    });
    return { name: 'report-volume-copied', input: { volume: volumeOf(subject), visit } };
  },

  'move-dataset': async ({ subject, visit, input }, ports, run) => {
    const path = await movable(async () => {
      const { from, to } = await bothOf(input, ports, run);
      run.progress({ text: 'copying what has changed meanwhile' });
      run.fence();
      await ports.content.finish(from, to, run);
      return to;
    });
    return { name: 'report-volume-moved', input: { volume: volumeOf(subject), visit, path } };
  },
};

/** Where both are; the new one is made, or found there. */
async function bothOf(
  input: DatasetInput & { readonly to: DatasetInput; readonly spec: Parameters<Ports['volumes']['create']>[1] },
  { volumes }: Ports,
  run: Run,
): Promise<{ readonly from: string; readonly to: string }> {
  const source = await volumes.inspect(datasetOf(input), run);
  if (!source) {
    const target = `${input.pool}/${input.dataset}`;
    throw new IoError('MISSING', { op: 'move', target, message: `there is no dataset ${target}` });
  }
  run.fence();
  const { path } = await volumes.create(datasetOf(input.to), input.spec, run);
  return { from: source.path, to: path };
}

/** A pool that is away is not waited for: the app of the volume would stand still meanwhile. */
async function movable<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof IoError) || error.code !== 'POOL_MISSING') throw error;
    const { op, target, message, hint } = error;
    throw new IoError('FAILED', { op, target, message, ...(hint === undefined ? {} : { hint }), cause: error });
  }
}

const volumeFailed: NonNullable<Failures['adopt-dataset'] & Failures['release-dataset']> = (
  { subject, visit },
  { problem },
) => ({ name: 'report-volume-failed', input: { volume: volumeOf(subject), visit, problem } });

/** It is what it was before. */
const moveFailed: NonNullable<Failures['copy-dataset'] & Failures['move-dataset']> = (
  { subject, visit },
  { problem },
) => ({ name: 'report-volume-move-failed', input: { volume: volumeOf(subject), visit, problem } });

export const lifeFailures: Pick<Failures, LifeWork> = {
  'adopt-dataset': volumeFailed,
  'release-dataset': (order, error) => (comesToAnEnd(error) ? undefined : volumeFailed(order, error)),
  'copy-dataset': moveFailed,
  'move-dataset': moveFailed,
};
