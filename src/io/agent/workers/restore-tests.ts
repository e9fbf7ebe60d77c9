/**
 * A backup restored as a test: into a dataset that is made for it, by the same program as any restore; then read again,
 * and compared with what was backed up.
 *
 *   remove what an earlier attempt left ─▶ make ─▶ unpack ─▶ pack, compare ─▶ remove ─▶ report
 *
 * Whatever comes of it, the dataset is gone before anything is reported: until then the state of the backup asks for this
 * work, so that one that was cut off is found here again.
 */
import type { Command } from '#actors/commands.ts';
import type { WorkInput, WorkOrder } from '#actors/work.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import { formatSize } from '#events/values/size.ts';
import { waysOf } from '#events/values/tree-path.ts';
import { openBackup, type Opened } from '../../devices/backup/restore.ts';
import { asIoError, IoError } from '../../devices/error.ts';
import { differing, digested, type TarDigest } from '../../devices/tree/tar-digest.ts';
import type { Dataset } from '../../devices/volumes/port.ts';
import type { Failures, Ports, Run, Workers } from '../worker.ts';
import { damageOf, open, setAside } from './backups.ts';

type TestWork = 'test-restore';

export const restoreTestWorkers: Pick<Workers, TestWork> = {
  'test-restore': async (order, ports, run) => {
    const { subject, visit, input } = order;
    const of = { backup: subject as StreamId<'backup'>, visit };
    const scratch: Dataset = { pool: input.pool, name: input.dataset };
    // It may have been over for long, where this node has just been started: nobody would remove what is made now.
    await run.caughtUp();
    run.fence();
    await ports.volumes.destroy(scratch, { scrub: false }, run);
    const outcome = await restored(input, scratch, ports, run).catch((thrown: unknown) => {
      const error = asIoError(thrown, order.work, input.dataset);
      // It was not that which failed: this node stops. The next attempt removes what is there.
      if (run.signal.aborted || error.code === 'FENCED') throw error;
      return error;
    });
    await ports.volumes.destroy(scratch, { scrub: false }, run);
    if (!(outcome instanceof IoError)) return { name: 'report-restore-tested', input: { ...of, ...outcome } };
    // Of what lies in the target; a scratch volume that is damaged says nothing about it.
    if (outcome.code === 'DAMAGED' && outcome.op !== compareOp) {
      const repository = await open(input.target, 'open', ports, run);
      const isSetAside = input.target.spec.foreign !== true && (await setAside(repository, run));
      return { name: 'report-backup-damaged', input: { ...of, problem: damageOf([outcome.message], isSetAside) } };
    }
    return failure(order, outcome.problem);
  },
};

export const restoreTestFailures: Pick<Failures, TestWork> = {
  // Until what it made is gone.
  'test-restore': null,
};

/** As long as it takes to write and read everything. */
export const restoreTestTimeoutsMs: Readonly<Record<TestWork, number>> = { 'test-restore': 48 * 3_600_000 };

const failure = ({ subject, visit }: WorkOrder<TestWork>, problem: Problem): Command => ({
  name: 'report-restore-test-failed',
  input: { backup: subject as StreamId<'backup'>, visit, problem },
});

const compareOp = 'compare';

async function restored(
  { target, object, spec }: WorkInput['test-restore'],
  scratch: Dataset,
  ports: Ports,
  run: Run,
): Promise<{ readonly files: number; readonly folders: number; readonly bytes: number; readonly digest: string }> {
  const { volumes, tree } = ports;
  const opened = await openBackup(await open(target, 'open', ports, run), object, run.signal);
  const linked = await linkedIn(opened);
  const { path } = await volumes.create(scratch, spec, run);
  let [stored, back]: [TarDigest | undefined, TarDigest | undefined] = [undefined, undefined];
  const progress = ({ done = 0 }): void => run.progress({ text: `restored ${formatSize(done)}`, done });
  await tree.unpack(
    path,
    digested(opened.content(), linked, (digest) => (stored = digest)),
    { ...run, progress },
  );
  let bytes = 0;
  const packed = digested(tree.pack(path, '', run.signal), linked, (digest) => (back = digest));
  for await (const piece of packed)
    run.progress({ text: `compared ${formatSize((bytes += piece.length))}`, done: bytes });
  return compared(stored, back, scratch);
}

function compared(stored: TarDigest | undefined, back: TarDigest | undefined, { name }: Dataset) {
  if (!stored || !back) throw new IoError('FAILED', { op: compareOp, target: name, message: 'it was not read whole' });
  const wrong = differing(stored, back);
  if (wrong.length === 0)
    return { files: stored.files, folders: stored.folders.size, bytes: stored.bytes, digest: stored.digest };
  const some = wrong.slice(0, 5).map((folder) => JSON.stringify(folder === '' ? '.' : folder));
  const more = wrong.length > some.length ? ` and ${wrong.length - some.length} more` : '';
  throw new IoError('DAMAGED', {
    op: compareOp,
    target: name,
    message: `what came back is not what was backed up: it differs in ${some.join(', ')}${more}`,
    hint: 'What lies in the target is as it was written. Can the pool keep it (attributes, access lists, names)? Restore the backup as a volume and look at these folders.',
  });
}

/** Every name of each file that has several. */
async function linkedIn({ manifest, entries }: Opened): Promise<ReadonlySet<string>> {
  const linked = new Set<string>();
  if (!manifest.catalog) return linked;
  const named = (path: string): string => (waysOf(path) ?? []).map((part) => Buffer.from(part).toString()).join('/');
  for await (const { path, target } of entries()) {
    if (target === undefined) continue;
    linked.add(named(path));
    linked.add(named(target));
  }
  return linked;
}
