/** What a person asked for, in words: `roll back volume photos-db`, and `Rolling back volume photos-db`. */

const verbs: Readonly<Record<string, readonly [ask: string, doing: string]>> = {
  'deploy-app': ['deploy app', 'Deploying app'],
  'start-app': ['start app', 'Starting app'],
  'stop-app': ['stop app', 'Stopping app'],
  'restart-app': ['restart app', 'Restarting app'],
  'update-app': ['update app', 'Updating app'],
  'remove-app': ['remove app', 'Removing app'],
  'create-volume': ['create volume', 'Creating volume'],
  'change-volume': ['change volume', 'Changing volume'],
  'rollback-volume': ['roll back volume', 'Rolling back volume'],
  'adopt-volume': ['adopt volume', 'Adopting volume'],
  'release-volume': ['release volume', 'Releasing volume'],
  'move-volume': ['move volume', 'Moving volume'],
  'retry-volume': ['try again what failed of volume', 'Trying again what failed of volume'],
  'delete-volume': ['delete volume', 'Deleting volume'],
  'clone-volume': ['make clone', 'Making clone'],
  'recover-volume': ['recover volume', 'Recovering volume'],
  'restore-files': ['restore files of volume', 'Restoring files of volume'],
  'export-volume': ['export volume', 'Exporting volume'],
  'import-volume': ['import into volume', 'Importing into volume'],
  'leave-node': ['let go node', 'Letting go node'],
  'remove-node': ['remove node', 'Removing node'],
  'create-pool': ['make pool', 'Making pool'],
  'adopt-pool': ['take over pool', 'Taking over pool'],
  'forget-pool': ['let go pool', 'Letting go pool'],
  'grow-pool': ['grow pool', 'Growing pool'],
  'add-pool-devices': ['add devices to pool', 'Adding devices to pool'],
  'replace-pool-device': ['replace a device of pool', 'Replacing a device of pool'],
  'clear-pool': ['clear the errors of pool', 'Clearing the errors of pool'],
  'scrub-pool': ['scrub pool', 'Scrubbing pool'],
  'create-replica': ['make a replica of volume', 'Making a replica of volume'],
  'sync-replica': ['bring up to date replica', 'Bringing up to date replica'],
  'resync-replica': ['put aside what only it has of replica', 'Putting aside what only it has of replica'],
  'remove-replica': ['remove replica', 'Removing replica'],
  'add-backup-target': ['add backup target', 'Adding backup target'],
  'test-backup-target': ['look at backup target', 'Looking at backup target'],
  'prune-backup-target': ['prune backup target', 'Pruning backup target'],
  'create-backup': ['back up volume', 'Backing up volume'],
  'back-up-app': ['back up the volumes of app', 'Backing up the volumes of app'],
  'verify-backup': ['read back backup', 'Reading back backup'],
  'remove-backup': ['remove backup', 'Removing backup'],
  'restore-backup': ['restore from a backup volume', 'Restoring from a backup volume'],
  'take-snapshot': ['take snapshot', 'Taking snapshot'],
  'take-app-snapshot': ['take a set of snapshots, of app', 'Taking a set of snapshots, of app'],
  'remove-snapshot': ['remove snapshot', 'Removing snapshot'],
};

/** After `asked to`. */
export const askedFor = (command: string, of: string): string => `${verbs[command]?.[0] ?? `run ${command} of`} ${of}`;

/** The subject of a sentence. */
export const doing = (command: string, of: string): string => `${verbs[command]?.[1] ?? `${command} of`} ${of}`;
