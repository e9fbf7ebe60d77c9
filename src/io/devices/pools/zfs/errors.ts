/** What `zpool` refuses, as a code that callers can branch on. It ends with 1 when something failed, with 2 when it did not understand. */
import type { IoErrorCode } from '../../error.ts';
import { IoError } from '../../error.ts';
import type { Ran } from '../../run.ts';

/** The first that matches counts: a refusal may list several reasons, and that a device is in use weighs most. */
const sentences: readonly (readonly [IoErrorCode, RegExp, string])[] = [
  [
    'POOL_MISSING',
    /modules are not loaded|failed to initialize ZFS library|[Uu]nable to open \/dev\/zfs|\/dev\/zfs and \/proc\/self\/mounts|connect.*(?:refused|No such file)/,
    'zfs does not answer: load its module (modprobe zfs), or start zfs-fuse.',
  ],
  ['MISSING', /no such device in pool|no such vdev/, 'Name the device as the report of the pool does.'],
  [
    'POOL_MISSING',
    /no such pool|no pools? available/,
    'Import the pool (zpool import); FloatLab goes on as soon as it is there.',
  ],
  ['EXISTS', /pool already exists|pool with that name/, 'Choose another name, or ask for this pool as it is.'],
  [
    'BUSY',
    /currently (?:resilvering|scrubbing|in use)|is part of active pool|is currently mounted|is busy|in use by|is an? (?:active|in use)/,
    'Wait until it is done, or take another device.',
  ],
  [
    'INVALID',
    /different sizes|too small|mismatched replication level|requires at least|missing link/,
    'Choose devices of the same kind and at least of the same size.',
  ],
  [
    'HELD',
    /is part of (?:exported|potentially active|unknown)|contains an? .*filesystem|contains a .*(?:partition|label)|use '-f' to override/,
    'Take another device; or, when nobody needs what it holds, say that it may be erased.',
  ],
  ['HELD', /no valid replicas|no other healthy/, 'Nothing else holds this data: add a device first.'],
  ['NO_SPACE', /out of space|No space left|File too large/, 'Free some space first.'],
  ['DAMAGED', /I\/O (?:error|is currently suspended)/, 'Look at cables and power, then clear the errors of the pool.'],
  ['PERMISSION', /permission denied|must be root|Permission denied/i, 'Run floatlabd as root.'],
  [
    'UNSUPPORTED',
    /unsupported|not supported|invalid option|unrecognized command|missing command/,
    'A newer version of zfs can do that.',
  ],
];

export function zpoolError(op: string, target: string, ran: Ran): IoError {
  const said = ran.stderr.trim() || ran.stdout.trim() || `it ended with code ${ran.exitCode}`;
  const [code, , hint] = sentences.find(([, sentence]) => sentence.test(said)) ?? (['FAILED'] as const);
  const message = `${op} of ${target} failed: ${said.split('\n').slice(0, 4).join(' ')}`;
  return new IoError(code, { op, target, message, ...(hint === undefined ? {} : { hint }) });
}

/** It did not know the option or the command. */
export const isUnknown = (ran: Ran): boolean =>
  ran.exitCode !== 0 && /invalid option|unrecognized command|missing command/.test(ran.stderr);
