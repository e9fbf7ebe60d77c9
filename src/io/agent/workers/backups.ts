/**
 * Backups: written from a snapshot, read back, removed; and the targets that they are in. What goes wrong is told at once:
 * when it is tried again is the lab's to say, so that another node may do it.
 *
 * An attempt that was cut off is taken up by the next one: what it stored is found, chunk by chunk, under the same name.
 */
import { foundBackup, mostFound, targetSecrets, type FoundBackup } from '#actors/backup-target/commands.ts';
import { unpackFiles } from '#actors/app/files.ts';
import type { Command } from '#actors/commands.ts';
import type { AboutBackup, TargetInput, WorkInput, WorkOrder } from '#actors/work.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import { formatSize } from '#events/values/size.ts';
import { backup } from '../../devices/backup/backup.ts';
import { forget } from '../../devices/backup/keep.ts';
import { prune } from '../../devices/backup/prune.ts';
import { listBackups, readAll, type Repository } from '../../devices/backup/repository.ts';
import { openBackup, openedBackup, type Opened } from '../../devices/backup/restore.ts';
import { idOfRepository } from '../../devices/backup/targets/port.ts';
import { check, verify } from '../../devices/backup/verify.ts';
import { asIoError, IoError } from '../../devices/error.ts';
import type { Failures, Ports, Run, Workers } from '../worker.ts';

type BackupWork = 'check-backup-target' | 'prune-backup-target' | 'write-backup' | 'verify-backup' | 'remove-backup';

/** Beside the content: what it is of, as FloatLab reads it again. */
const aboutFile = 'floatlab.json';
/** The compose file, and the files that came with it. */
export const composeFile = 'compose.yaml';
export const appFiles = 'app-files.json';

export const backupWorkers: Pick<Workers, BackupWork> = {
  'check-backup-target': (order, ports, run) =>
    told(order, run, 'report-backup-target-check-failed', async () => {
      const { subject, visit, input } = order;
      const target = subject as StreamId<'backup-target'>;
      run.fence();
      await provide(input.target, ports, run);
      if (input.target.spec.lent) {
        const { name, spec } = input.target;
        await ports.backups.place({ name, spec, secrets: {} }, run.signal);
        return { name: 'report-backup-target-checked', input: { target, visit, backups: 0 } };
      }
      const repository = await open(input.target, 'begin', ports, run);
      const { manifests, damaged } = await listBackups(repository, run.signal);
      const known = new Set(input.known);
      const strange = manifests.filter(({ id }) => !known.has(id));
      if (strange.length > 0) {
        const { table } = await readAll(repository, run.signal);
        const found: FoundBackup[] = [];
        for (const manifest of strange) {
          const about = await aboutOf(openedBackup(repository, manifest, table, run.signal));
          if (about) found.push(about);
          run.progress({ text: `found ${found.length} backups` });
        }
        for (let at = 0; at < found.length; at += mostFound) {
          run.fence();
          const some = found.slice(at, at + mostFound);
          await run.report({ name: 'report-backups-found', input: { target, visit, found: some } });
        }
      }
      return {
        name: 'report-backup-target-checked',
        input: {
          ...{ target, visit },
          repository: idOfRepository(repository),
          backups: manifests.length + damaged.length,
        },
      };
    }),

  'prune-backup-target': (order, ports, run) =>
    told(order, run, 'report-backup-target-prune-failed', async () => {
      const { subject, visit, input } = order;
      run.fence();
      const repository = await open(input.target, 'open', ports, run);
      run.fence();
      const { deletedBytes, rewrittenBytes, waitingPacks } = await prune(repository, {}, run.signal, (text) =>
        run.progress({ text }),
      );
      return {
        name: 'report-backup-target-pruned',
        input: { target: subject as StreamId<'backup-target'>, visit, deletedBytes, rewrittenBytes, waitingPacks },
      };
    }),

  'write-backup': (order, ports, run) =>
    told(order, run, 'report-backup-failed', async () => {
      const { subject, visit, input } = order;
      const { volumes, tree } = ports;
      run.fence();
      const root = await volumes
        .snapshotPath({ pool: input.pool, name: input.dataset }, input.snapshot.name, run)
        .catch((error: unknown) => {
          throw gone(error, input.snapshot.name);
        });
      const files = await filesOf(input, ports);
      const repository = await open(input.target, 'open', ports, run);
      run.fence();
      const manifest = await backup(
        repository,
        {
          id: input.object,
          subject: subjectOf(input),
          startedAt: input.startedAt,
          content: tree.pack(root, '', run.signal),
          files,
        },
        run.signal,
        ({ readBytes, storedBytes }) =>
          run.progress({ text: `read ${formatSize(readBytes)}, ${formatSize(storedBytes)} new`, done: readBytes }),
      );
      return {
        name: 'report-backup-written',
        input: {
          ...{ backup: subject as StreamId<'backup'>, visit },
          takenAt: manifest.subject.snapshot.takenAt,
          sizeBytes: manifest.content.sizeBytes,
          addedBytes: manifest.added.storedBytes,
        },
      };
    }),

  'verify-backup': (order, ports, run) =>
    told(order, run, 'report-backup-verify-failed', async () => {
      const { subject, visit, input } = order;
      const of = { backup: subject as StreamId<'backup'>, visit };
      run.fence();
      const repository = await open(input.target, 'open', ports, run);
      const progress = (bytes: number): void => run.progress({ text: `read back ${formatSize(bytes)}`, done: bytes });
      const verdict = await verify(repository, input.object, { data: 'all' }, run.signal, progress).catch(
        (error: unknown) => {
          if (!(error instanceof IoError && error.code === 'MISSING')) throw error;
          return { isWhole: false, problems: [error.message], readBytes: 0 };
        },
      );
      if (verdict.isWhole) return { name: 'report-backup-verified', input: { ...of, readBytes: verdict.readBytes } };
      const isSetAside = input.target.spec.foreign !== true && (await setAside(repository, run));
      return { name: 'report-backup-damaged', input: { ...of, problem: damageOf(verdict.problems, isSetAside) } };
    }),

  'remove-backup': async (order, ports, run) => {
    const { subject, visit, input } = order;
    run.fence();
    const repository = await open(input.target, 'open', ports, run);
    run.fence();
    await forget(repository, [input.object], run.signal);
    return { name: 'report-backup-removed', input: { backup: subject as StreamId<'backup'>, visit } };
  },
};

export const backupFailures: Pick<Failures, BackupWork> = {
  'check-backup-target': (order, error) => failure(order, 'report-backup-target-check-failed', error.problem),
  'prune-backup-target': (order, error) => failure(order, 'report-backup-target-prune-failed', error.problem),
  'write-backup': (order, error) => failure(order, 'report-backup-failed', error.problem),
  'verify-backup': (order, error) => failure(order, 'report-backup-verify-failed', error.problem),
  // Until it is gone, or a person says that it may stay.
  'remove-backup': null,
};

/** As long as it takes to read and write everything. */
export const backupTimeoutsMs: Readonly<Record<BackupWork, number>> = {
  'check-backup-target': 3_600_000,
  'prune-backup-target': 48 * 3_600_000,
  'write-backup': 48 * 3_600_000,
  'verify-backup': 48 * 3_600_000,
  'remove-backup': 600_000,
};

/** The dataset of a target in a pool: made once; then it has to be there, because an empty one in its place would be a lie. */
async function provide({ spec: { store }, isThere }: TargetInput, { volumes }: Ports, run: Run): Promise<void> {
  if (store.kind !== 'pool') return;
  const of = { pool: store.pool, name: store.dataset };
  if (isThere && !(await volumes.inspect(of, run))) {
    throw new IoError('MISSING', {
      op: 'open',
      target: `${store.pool}/${store.dataset}`,
      message: `the dataset ${store.dataset} of pool ${store.pool}, in which the backups were, is not there any more`,
      hint: 'Put it back where it was. If it is lost, remove the target and add another one.',
    });
  }
  run.fence();
  await volumes.create(of, { sizeBytes: store.sizeBytes }, run);
}

/** @throws IoError as `BackupTargets.open` does; POOL_MISSING and the like where its keys are not at hand */
export async function open(
  target: TargetInput,
  how: 'begin' | 'open',
  { backups, blobs }: Pick<Ports, 'backups' | 'blobs'>,
  { signal }: Pick<Run, 'signal'>,
): Promise<Repository> {
  const { name, spec, secrets, repository } = target;
  const kept =
    secrets === undefined
      ? {}
      : targetSecrets.parse(JSON.parse(Buffer.from(await blobs.get(secrets)).toString('utf8')));
  return backups.open({ name, spec, secrets: kept, ...(repository === undefined ? {} : { repository }) }, how, signal);
}

/** The content of a backup, or one path of it, as a tar. */
export async function* contentOf(
  { backup: from }: { readonly backup: NonNullable<WorkInput['import-files']['backup']> },
  ports: Pick<Ports, 'backups' | 'blobs'>,
  run: Pick<Run, 'signal'>,
): AsyncGenerator<Uint8Array> {
  const repository = await open(from.target, 'open', ports, run);
  const opened = await openBackup(repository, from.object, run.signal);
  yield* from.path === undefined ? opened.content() : opened.path(from.path);
}

type Report =
  | 'report-backup-target-check-failed'
  | 'report-backup-target-prune-failed'
  | 'report-backup-failed'
  | 'report-backup-verify-failed';

async function told(
  order: WorkOrder<BackupWork>,
  run: Run,
  report: Report,
  work: () => Promise<Command>,
): Promise<Command> {
  try {
    return await work();
  } catch (thrown) {
    const error = asIoError(thrown, order.work, order.subject);
    // It was not that which failed: this node stops, or something else is wanted.
    if (run.signal.aborted || error.code === 'FENCED') throw error;
    return failure(order, report, error.problem);
  }
}

function failure({ subject, visit }: WorkOrder<BackupWork>, name: Report, problem: Problem): Command {
  return name === 'report-backup-target-check-failed' || name === 'report-backup-target-prune-failed'
    ? { name, input: { target: subject as StreamId<'backup-target'>, visit, problem } }
    : { name, input: { backup: subject as StreamId<'backup'>, visit, problem } };
}

/** What it is written from does not come back: nobody tries again. */
function gone(error: unknown, snapshot: string): unknown {
  if (!(error instanceof IoError && error.code === 'MISSING')) return error;
  return new IoError('INVALID', {
    op: 'write-backup',
    target: snapshot,
    message: `the snapshot ${snapshot} that it is written from is gone`,
    hint: 'Make another backup.',
    cause: error,
  });
}

const subjectOf = ({ about, lab, snapshot }: WorkInput['write-backup']) => ({
  lab,
  volume: `${about.namespace}/${about.volumeName}`,
  snapshot: { guid: snapshot.guid, name: snapshot.name, takenAt: snapshot.takenAt },
  ...(about.app ? { app: about.app.name } : {}),
});

async function filesOf({ about, compose, files }: WorkInput['write-backup'], { blobs }: Pick<Ports, 'blobs'>) {
  const beside = files === undefined ? {} : unpackFiles(await blobs.get(files));
  return [
    { name: aboutFile, bytes: Buffer.from(JSON.stringify(about)) },
    ...(compose === undefined ? [] : [{ name: composeFile, bytes: await blobs.get(compose) }]),
    ...(files === undefined ? [] : [{ name: appFiles, bytes: Buffer.from(JSON.stringify(beside)) }]),
  ];
}

/** @returns undefined for what this version does not read: it stays, and is not offered */
async function aboutOf(opened: Opened): Promise<FoundBackup | undefined> {
  const { id, subject, content, files } = opened.manifest;
  if (!files.some(({ name }) => name === aboutFile)) return undefined;
  const about = JSON.parse(Buffer.from(await opened.file(aboutFile)).toString('utf8')) as AboutBackup;
  const parsed = foundBackup.safeParse({
    ...about,
    ...{ object: id, lab: subject.lab, takenAt: subject.snapshot.takenAt, sizeBytes: content.sizeBytes },
  });
  return parsed.data;
}

/** Packs that are not as they were written count as missing from now on: the next backup stores their content anew. */
export async function setAside(repository: Repository, run: Run): Promise<boolean> {
  try {
    const report = await check(repository, { data: 'all', setAside: true }, run.signal, ({ packs, of }) =>
      run.progress({ text: `looking at pack ${packs} of ${of}` }),
    );
    return report.damagedPacks.length > 0;
  } catch (error) {
    if (run.signal.aborted) throw error;
    return false;
  }
}

export const damageOf = (problems: readonly string[], isSetAside: boolean): Problem => ({
  code: 'DAMAGED',
  message: problems.join('; ').slice(0, 4000),
  hint: isSetAside
    ? 'Make another backup: what is damaged is stored anew. Then look after the disk or the server of the target.'
    : 'Make another backup, and look after the disk or the server of the target.',
});
