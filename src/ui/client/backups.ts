/** What the client asks of backups beside rows and commands. */
import type { AttachInput, BackedUpFiles, BackupContentAnswer } from '#io/contract/backups.ts';
import type { CommandAnswer } from '#io/contract/routes.ts';
import { json } from './errors.ts';
import { specialRequest, type PlainRequest } from './request.ts';
import type { Abortable, Named } from './rest-input.ts';

export interface BackupCalls {
  /** The content of the file. */
  backupKit(options?: Abortable): Promise<string>;
  /** Not repeated by itself: whether it took effect is seen in the list. */
  attachBackupTarget(input: AttachInput, options?: Abortable): Promise<CommandAnswer>;
  backupFiles(backup: Named, options?: Abortable): Promise<BackedUpFiles>;
  /** A page of what is in a folder of it. */
  backupContent(backup: Named, options?: BackupContentOptions): Promise<BackupContentAnswer>;
}

interface BackupContentOptions extends Abortable {
  readonly path?: string;
  readonly limit?: number;
  readonly cursor?: string | undefined;
}

type Send = (
  request: PlainRequest,
  options: { readonly signal?: AbortSignal | undefined; readonly repeatable: boolean },
) => Promise<string>;

export const backupCalls = (send: Send, baseUrl: string): BackupCalls => ({
  backupKit: ({ signal } = {}) => send(specialRequest('backup-kit', {}, {}), { signal, repeatable: true }),
  attachBackupTarget: async (input, { signal } = {}) =>
    json<CommandAnswer>(
      await send(specialRequest('attach-backup-target', {}, {}, input), { signal, repeatable: false }),
      baseUrl,
    ),
  backupFiles: async (backup, { signal } = {}) =>
    json<BackedUpFiles>(await send(specialRequest('backup-files', backup, {}), { signal, repeatable: true }), baseUrl),
  backupContent: async (backup, { signal, ...where } = {}) =>
    json<BackupContentAnswer>(
      await send(specialRequest('list-backup-content', backup, where), { signal, repeatable: true }),
      baseUrl,
    ),
});
