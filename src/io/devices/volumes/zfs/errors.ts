/**
 * What went wrong, as a code that callers can branch on. zfs and zpool answer a failed operation with exit code 1, a
 * wrong usage with 2, and a sentence. The same refusal has several sentences over the versions.
 */
import type { IoErrorCode } from '../../error.ts';
import { IoError } from '../../error.ts';
import type { Ran } from '../../run.ts';

/** The first that matches counts. */
const sentences: readonly (readonly [IoErrorCode, RegExp])[] = [
  ['PERMISSION', /permission denied|Operation not permitted|insufficient privileges|Permission denied/],
  [
    'POOL_MISSING',
    /no such pool|pool is unavailable|pool I\/O is currently suspended|modules are not loaded|initialize ZFS library|zfs-fuse daemon|Connection reset by peer|\/dev\/zfs|Connection refused|one or more devices is currently unavailable/,
  ],
  ['HELD', /it's being held|has dependent clones|has children/],
  ['BUSY', /is busy|umount child process failed|Device or resource busy|being received|partially-complete state/],
  ['NO_SPACE', /out of space|[Nn]o space left|[Qq]uota exceeded|size is (less|greater) than/],
  ['READ_ONLY', /[Rr]ead-only|[Rr]ead only/],
  ['EXISTS', /already exists|must specify -F to overwrite|destination .* exists/],
  ['MISSING', /does not exist|no such dataset|no such tag|could not find any snapshots|No such file or directory/],
  ['DAMAGED', /I\/O error|checksum mismatch|is corrupt|insufficient replicas|Invalid exchange/],
  [
    'UNSUPPORTED',
    /unrecognized command|invalid option|not supported|must be upgraded|feature|invalid type|too many arguments/,
  ],
  [
    'INVALID',
    /invalid |bad property|is not empty|not applicable|not expected here|must be|too long|legacy mountpoint|no mountpoint set|Invalid argument/,
  ],
];

export const classify = (stderr: string): IoErrorCode =>
  sentences.find(([, sentence]) => sentence.test(stderr))?.[0] ?? 'FAILED';

/**
 * A dataset that was made, renamed or changed, and then could not be mounted: the command says 1 although what it was
 * asked for is done. Whoever asked has to look.
 */
export const isOnlyAboutMounting = (stderr: string): boolean =>
  /^cannot (re)?mount |successfully created, but (it may )?not (be )?(mounted|shared)/m.test(stderr) &&
  !/^cannot (?!(re)?mount |share )/m.test(stderr);

/** Of `zfs get` of several, when all that it complains of is that some do not exist. */
export const isOnlyAboutMissing = (stderr: string): boolean => {
  const lines = stderr.split('\n').filter((line) => line !== '');
  return (
    lines.length > 0 && lines.every((line) => /^cannot open '.*': (dataset does not exist|no such pool)/.test(line))
  );
};

const hints: Readonly<Partial<Record<IoErrorCode, string>>> = {
  NO_SPACE: 'Free space in the pool: remove snapshots or volumes, or make the pool larger.',
  READ_ONLY: 'The pool was imported read-only: look at `zpool status`, then import it again.',
  BUSY: 'Something still uses it: stop the app, or wait for a running transfer.',
  HELD: 'Look at `zfs holds` and `zfs list -o name,origin`: whoever holds it has to let go of it first.',
  DAMAGED: 'The disks have errors: run `zpool scrub` and look at `zpool status -v`.',
  POOL_MISSING: 'Import the pool again; FloatLab goes on as soon as it is there.',
  PERMISSION: 'Datasets need the rights of root: run floatlabd as root.',
  UNSUPPORTED: 'Upgrade the tools of zfs, or the pool with `zpool upgrade`.',
};

export const withHint = (code: IoErrorCode): { hint?: string } =>
  hints[code] === undefined ? {} : { hint: hints[code] };

/** A command that ended with another code than 0. */
export function commandError(op: string, target: string, ran: Ran): IoError {
  const said = (ran.stderr.trim() || `it ended with code ${ran.exitCode}`).split('\n').slice(0, 3).join(' ');
  const about = { op, target, message: `${op} of ${target} failed: ${said}` };
  if (/directory is not empty/.test(ran.stderr)) {
    const hint = 'Something wrote into the folder while nothing was mounted there: move that away, then try again.';
    return new IoError('INVALID', { ...about, hint });
  }
  const code = classify(ran.stderr);
  return new IoError(code, { ...about, ...withHint(code) });
}
