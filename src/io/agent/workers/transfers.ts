/**
 * Files on their way. A restore is one call, which a repetition finishes. An export gives what it packs to whoever comes
 * for it; an import takes what somebody brings:
 *
 *   take a snapshot ─▶ (clear) ─▶ unpack ─▶ report
 *         │ failed, or cut off: found by the next attempt
 *         └──────────▶ roll back to it, remove it ─▶ report the failure
 *
 * The snapshot says whether anything was written: as long as there is none, there is nothing to go back from. And nobody
 * brings the rest to a second attempt, but a backup, which is read again.
 */
import type { Command } from '#actors/commands.ts';
import { canceled } from '#actors/transfer/under-way.ts';
import type { DatasetInput, WorkInput, WorkOrder } from '#actors/work.ts';
import { idOf, type StreamId } from '#events/envelope.ts';
import { formatSize } from '#events/values/size.ts';
import { asIoError, IoError } from '../../devices/error.ts';
import type { Dataset } from '../../devices/volumes/port.ts';
import type { Failures, Ports, Run, Workers } from '../worker.ts';
import { contentOf } from './backups.ts';

type TransferWork = 'restore-files' | 'export-files' | 'import-files' | 'cancel-transfer';

const datasetOf = ({ pool, dataset }: DatasetInput): Dataset => ({ pool, name: dataset });
const transferOf = (subject: StreamId) => subject as StreamId<'transfer'>;

export const transferWorkers: Pick<Workers, TransferWork> = {
  'restore-files': async ({ subject, visit, input }, { volumes, tree }, run) => {
    run.fence();
    const into = await livePath(datasetOf(input), volumes, run);
    return restored({ subject, visit }, input, into, { volumes, tree }, run);
  },

  'cancel-transfer': async (order, ports, run) => {
    const { subject, visit, input } = order;
    const { task } = input;
    const of = datasetOf(input);
    run.fence();
    const root = await livePath(of, ports.volumes, run).catch(orMissing);
    // With the dataset everything went that it had done.
    if (root instanceof IoError) return failed(order, task.do === 'import' ? root : canceledError(input.dataset), run);
    // It may have been over for long, where this node has just been started.
    await run.caughtUp();
    if (task.do === 'import') {
      await goBack(subject, of, task.before, ports, run);
      return failed(order, canceledError(input.dataset), run);
    }
    run.fence();
    if (await ports.tree.giveUp(root, task.id, run)) return failed(order, canceledError(input.dataset), run);
    return restored({ subject, visit }, { ...input, ...task }, root, ports, run);
  },

  'export-files': async (order, { volumes, tree, handover }, run) => {
    const { subject, visit, input } = order;
    run.fence();
    const root = await volumes.snapshotPath(datasetOf(input), input.snapshot, run);
    let bytes = 0;
    const packed = counted(tree.pack(root, '', run.signal), (length) => {
      bytes += length;
      run.progress({ text: `exported ${formatSize(bytes)}`, done: bytes });
    });
    try {
      await handover.give(idOf(subject), packed, run.signal);
    } catch (error) {
      // Who it was for has gone: nobody would come for a second one.
      return failed(order, asIoError(error, 'export', input.dataset), run);
    }
    return { name: 'report-transfer-finished', input: { transfer: transferOf(subject), visit, bytes } };
  },

  'import-files': async (order, ports, run) => {
    const { subject, visit, input } = order;
    const { volumes, tree, handover } = ports;
    const of = datasetOf(input);
    run.fence();
    const root = await livePath(of, volumes, run).catch(orMissing);
    // Somebody has removed it: nobody ever brings anything into it.
    if (root instanceof IoError) return failed(order, root, run);
    const isCutOff = (await volumes.snapshots(of, run)).some(({ name }) => name === input.before);
    if (isCutOff) {
      // Unless it had ended, and the lab has heard so: this node may have been stopped before it heard that.
      await run.caughtUp();
      await goBack(subject, of, input.before, ports, run);
      // Nobody brings it once more; a backup is still where it was.
      if (!input.backup) return failed(order, cutOff(input.dataset), run);
    }
    let brought;
    try {
      brought = input.backup
        ? { bytes: contentOf({ backup: input.backup }, ports, run), end: () => undefined }
        : await handover.take(idOf(subject), run.signal);
    } catch (error) {
      return failed(order, asIoError(error, 'import', input.dataset), run);
    }
    try {
      if (!input.replace && !(await tree.isEmpty(root, run))) throw notEmpty(input.dataset);
      run.fence();
      const { guid, createdAt } = await volumes.snapshot(of, input.before, run);
      if (input.replace) await tree.clear(root, run);
      const progress = ({ done = 0 }): void => run.progress({ text: `imported ${formatSize(done)}`, done });
      const { files, bytes } = await tree.unpack(root, brought.bytes, { ...run, progress });
      brought.end();
      const before = { guid, takenAt: createdAt };
      return {
        name: 'report-transfer-finished',
        input: { transfer: transferOf(subject), visit, files, bytes, before },
      };
    } catch (thrown) {
      const error = asIoError(thrown, 'import', input.dataset);
      brought.end(error);
      // The next attempt, or the next start of this node, finds what was begun.
      if (run.signal.aborted) throw error;
      await goBack(subject, of, input.before, ports, run);
      return failed(order, error, run);
    }
  },
};

export const transferFailures: Pick<Failures, TransferWork> = {
  'restore-files': (order, error) => report(order, error),
  'export-files': (order, error) => report(order, error),
  // What was begun has to be undone before anybody uses the volume.
  'import-files': null,
  'cancel-transfer': null,
};

/** As long as it takes to read and write everything. */
export const transferTimeoutsMs: Readonly<Record<TransferWork, number>> = {
  'restore-files': 24 * 3_600_000,
  'export-files': 48 * 3_600_000,
  'import-files': 48 * 3_600_000,
  'cancel-transfer': 3_600_000,
};

function failed(order: WorkOrder<TransferWork>, error: IoError, run: Run): Command {
  // It was not that which failed: this node stops, or something else is wanted.
  if (run.signal.aborted) throw error;
  return report(order, error);
}

const report = ({ subject, visit }: WorkOrder<TransferWork>, { problem }: IoError): Command => ({
  name: 'report-transfer-failed',
  input: { transfer: transferOf(subject), visit, problem },
});

/** As if nothing had been brought. Done again: done. */
async function goBack(
  subject: StreamId,
  of: Dataset,
  before: string,
  { volumes }: Pick<Ports, 'volumes'>,
  run: Run,
): Promise<void> {
  const there = await volumes.snapshots(of, run);
  if (!there.some(({ name }) => name === before)) return;
  const half = `import-${idOf(subject)}`;
  run.fence();
  await volumes.rollback(of, before, half, run);
  await volumes.removeSnapshots(of, [half], run);
  await volumes.removeSnapshots(of, [before], run);
}

async function restored(
  { subject, visit }: { readonly subject: StreamId; readonly visit: number },
  input: WorkInput['restore-files'],
  into: string,
  { volumes, tree }: Pick<Ports, 'volumes' | 'tree'>,
  run: Run,
): Promise<Command> {
  const { id, snapshot, paths, overwrite, to } = input;
  const from = await volumes.snapshotPath(datasetOf(input), snapshot, run);
  run.fence();
  const plan = { id, snapshot, paths, overwrite, ...(to === undefined ? {} : { into: to }) };
  const { files, bytes, skipped, written } = await tree.restore(from, into, plan, run);
  return {
    name: 'report-transfer-finished',
    input: { transfer: transferOf(subject), visit, files, bytes, skipped, written: [...written] },
  };
}

/** What is not there is an answer; whatever else went wrong is an error. */
function orMissing(error: unknown): IoError {
  if (error instanceof IoError && error.code === 'MISSING') return error;
  throw error;
}

async function livePath(of: Dataset, volumes: Ports['volumes'], run: Run): Promise<string> {
  const info = await volumes.inspect(of, run);
  if (info) return info.path;
  throw new IoError('MISSING', {
    op: 'open',
    target: of.name,
    message: `the dataset ${of.name} of pool ${of.pool} is not there`,
    hint: 'Is its pool mounted? See: floatlab volume ls',
  });
}

async function* counted(bytes: AsyncIterable<Uint8Array>, tell: (length: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    yield chunk;
    tell(chunk.length);
  }
}

const notEmpty = (target: string): IoError =>
  new IoError('INVALID', {
    op: 'import',
    target,
    message: 'the volume is not empty, and nothing of it was to be replaced',
    hint: 'Import into a new volume, or replace what it holds, which is kept as a snapshot: floatlab volume import VOLUME --file FILE --replace.',
  });

const canceledError = (target: string): IoError =>
  new IoError('ABORTED', { op: 'cancel', target, message: canceled.message });

const cutOff = (target: string): IoError =>
  new IoError('ABORTED', {
    op: 'import',
    target,
    message: 'the import was cut off: the volume is as it was before it',
    hint: 'Import it again.',
  });
