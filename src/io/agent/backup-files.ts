/**
 * What is in a backup, read by whichever node is asked: the compose file of its app, the names of its files, and single
 * paths of it. Only what is asked for is fetched; nothing is written anywhere.
 */
import type { LabView } from '#actors/actor.ts';
import { storedInput } from '#actors/backup/actor.ts';
import type { StreamId } from '#events/envelope.ts';
import type { BackedUpFiles, BackupEntry } from '#io/contract/backups.ts';
import { listFolder } from '../devices/backup/listing.ts';
import { openBackup, type Opened } from '../devices/backup/restore.ts';
import { IoError } from '../devices/error.ts';
import type { Ports } from './worker.ts';
import { appFiles, composeFile, open } from './workers/backups.ts';

export interface BackupPage {
  /** What is at the path itself. */
  readonly self: Omit<BackupEntry, 'name'>;
  readonly items: readonly BackupEntry[];
  readonly more: boolean;
}

/** All reject with IoError MISSING, DAMAGED, UNSUPPORTED (a backup without a catalog), and what the target rejects with. */
export interface BackupFiles {
  /** Of the app that the volume belonged to. */
  app(backup: StreamId<'backup'>, signal: AbortSignal): Promise<BackedUpFiles>;
  /** @param path as in `#events/values/tree-path.ts`; the empty one is the root */
  list(
    backup: StreamId<'backup'>,
    path: string,
    page: { readonly limit: number; readonly after?: string },
    signal: AbortSignal,
  ): Promise<BackupPage>;
  /** A tar of one path and of what is below it; of the root the tar as it was backed up. */
  pack(backup: StreamId<'backup'>, path: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

export function backupFiles(lab: LabView, ports: Pick<Ports, 'backups' | 'blobs'>): BackupFiles {
  const opened = async (stream: StreamId<'backup'>, signal: AbortSignal): Promise<Opened> => {
    const backup = lab.get(stream);
    const stored = backup && storedInput(backup, lab);
    if (!stored)
      throw new IoError('MISSING', { op: 'open', target: stream, message: 'the backup, or its target, is gone' });
    return openBackup(await open(stored.target, 'open', ports, { signal }), stored.object, signal);
  };
  return {
    async app(stream, signal) {
      const { manifest, file } = await opened(stream, signal);
      const has = (name: string): boolean => manifest.files.some((one) => one.name === name);
      const textOf = async (name: string): Promise<string> => Buffer.from(await file(name)).toString('utf8');
      return {
        compose: has(composeFile) ? await textOf(composeFile) : null,
        files: has(appFiles) ? (JSON.parse(await textOf(appFiles)) as BackedUpFiles['files']) : {},
      };
    },

    async list(stream, path, page, signal) {
      const { manifest, entries } = await opened(stream, signal);
      const listed = await listFolder(entries(), path, page);
      if (listed) return listed;
      throw new IoError('MISSING', {
        op: 'list',
        target: path,
        message: `the backup ${manifest.id} has no ${path}`,
        hint: 'List the folder above it.',
      });
    },

    async pack(stream, path, signal) {
      const backup = await opened(stream, signal);
      return path === '' ? backup.content() : backup.path(path);
    },
  };
}
