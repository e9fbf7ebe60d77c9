/** What an agent is doing, in words: its own when it gives some, else what its work is for. */
import type { WorkName } from '#actors/work.ts';
import type { WorkRow } from '#io/contract/live.ts';

const words: Readonly<Record<WorkName, string>> = {
  'create-dataset': 'creating a volume',
  'clone-dataset': 'cloning a volume',
  'adopt-dataset': 'taking over what is there',
  'release-dataset': 'giving it back',
  'copy-dataset': 'copying a volume while it is used',
  'move-dataset': 'moving a volume',
  'demote-dataset': 'taking the last snapshot before a move',
  'seal-replica': 'closing a replica to whatever is older',
  'promote-replica': 'making a replica the volume',
  'take-back-dataset': 'taking a volume back',
  'rollback-dataset': 'rolling a volume back',
  'destroy-dataset': 'deleting a volume',
  'take-snapshot': 'taking a snapshot',
  'remove-snapshot': 'removing a snapshot',
  'create-pool': 'making a pool',
  'adopt-pool': 'taking over a pool',
  'release-pool': 'letting go a pool',
  'grow-pool': 'growing a pool',
  'add-pool-devices': 'adding devices to a pool',
  'replace-pool-device': 'replacing a device of a pool',
  'clear-pool': 'clearing the errors of a pool',
  'scrub-pool': 'telling a pool to scrub',
  'restore-files': 'restoring files',
  'export-files': 'exporting files',
  'import-files': 'importing files',
  'cancel-transfer': 'undoing what a canceled transfer has done',
  'sync-replica': 'bringing a replica up to date',
  'resync-replica': 'putting aside what diverged',
  'remove-replica': 'removing a replica',
  'check-backup-target': 'looking at a backup target',
  'prune-backup-target': 'pruning a backup target',
  'write-backup': 'writing a backup',
  'verify-backup': 'reading a backup back',
  'test-restore': 'restoring a backup as a test',
  'remove-backup': 'removing a backup',
  'start-instance': 'starting services',
  'watch-instance': 'watching services',
  'halt-instance': 'stopping what is left running',
  'stop-instance': 'stopping services',
};

/** At first an agent only says what the work is called. */
export const workWords = ({ work, text }: Pick<WorkRow, 'work' | 'text'>): string =>
  text === '' || text === work ? (Object.entries(words).find(([name]) => name === work)?.[1] ?? work) : text;

/** Watching goes on for as long as an app runs: nobody waits for it. */
export const isAwaited = ({ work }: WorkRow): boolean => work !== ('watch-instance' satisfies WorkName);
