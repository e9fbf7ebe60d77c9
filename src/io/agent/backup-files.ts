/** The compose file in a backup, read by whichever node is asked: for whoever restores an app. */
import type { LabView } from '#actors/actor.ts';
import { storedInput } from '#actors/backup/actor.ts';
import type { StreamId } from '#events/envelope.ts';
import type { BackedUpFiles } from '#io/contract/backups.ts';
import { openBackup } from '../devices/backup/restore.ts';
import { IoError } from '../devices/error.ts';
import type { Ports } from './worker.ts';
import { appFiles, composeFile, open } from './workers/backups.ts';

export type BackupFiles = (backup: StreamId<'backup'>, signal: AbortSignal) => Promise<BackedUpFiles>;

/** @throws IoError MISSING, DAMAGED, and what the target rejects with */
export function backupFiles(lab: LabView, ports: Pick<Ports, 'backups' | 'blobs'>): BackupFiles {
  return async (stream, signal) => {
    const backup = lab.get(stream);
    const stored = backup && storedInput(backup, lab);
    if (!stored)
      throw new IoError('MISSING', { op: 'open', target: stream, message: 'the backup, or its target, is gone' });
    const opened = await openBackup(await open(stored.target, 'open', ports, { signal }), stored.object, signal);
    const has = (name: string): boolean => opened.manifest.files.some((file) => file.name === name);
    const textOf = async (name: string): Promise<string> => Buffer.from(await opened.file(name)).toString('utf8');
    return {
      compose: has(composeFile) ? await textOf(composeFile) : null,
      files: has(appFiles) ? (JSON.parse(await textOf(appFiles)) as BackedUpFiles['files']) : {},
    };
  };
}
