/** What a person asked for, in words: `roll back volume photos-db`, and `Rolling back volume photos-db`. */

const verbs: Readonly<Record<string, readonly [ask: string, doing: string]>> = {
  'deploy-app': ['deploy app', 'Deploying app'],
  'start-app': ['start app', 'Starting app'],
  'stop-app': ['stop app', 'Stopping app'],
  'restart-app': ['restart app', 'Restarting app'],
  'remove-app': ['remove app', 'Removing app'],
  'create-volume': ['create volume', 'Creating volume'],
  'change-volume': ['change volume', 'Changing volume'],
  'rollback-volume': ['roll back volume', 'Rolling back volume'],
  'retry-volume': ['try again what failed of volume', 'Trying again what failed of volume'],
  'delete-volume': ['delete volume', 'Deleting volume'],
  'take-snapshot': ['take snapshot', 'Taking snapshot'],
  'remove-snapshot': ['remove snapshot', 'Removing snapshot'],
};

/** After `asked to`. */
export const askedFor = (command: string, of: string): string => `${verbs[command]?.[0] ?? `run ${command} of`} ${of}`;

/** The subject of a sentence. */
export const doing = (command: string, of: string): string => `${verbs[command]?.[1] ?? `${command} of`} ${of}`;
