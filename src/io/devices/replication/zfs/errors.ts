/** What `zfs send` and `zfs receive` say, as codes; what they have in common with other commands is known there. */
import type { IoErrorCode } from '../../error.ts';
import { IoError } from '../../error.ts';
import type { Ran } from '../../run.ts';
import { commandError } from '../../volumes/zfs/errors.ts';

/** The first that matches counts. */
const sentences: readonly (readonly [IoErrorCode, RegExp, string])[] = [
  [
    'TOKEN_DEAD',
    /used in the initial send no longer exists|no longer the same snapshot used in the initial send|resume token is corrupt|(not|in)valid.*resume token|resume token contents.*corrupt/,
    'Give up what was received, and begin anew.',
  ],
  [
    'DIVERGED',
    /does not\s+match incremental source|has been modified\s+since most recent snapshot|not an earlier snapshot|incremental source .* does not exist/,
    'Send from the newest snapshot of the replica, or set aside what they do not have in common.',
  ],
  ['NO_SPACE', /out of space|[Nn]o space left|[Qq]uota exceeded/, 'Free space in the pool.'],
  [
    'TRUNCATED',
    /invalid backup stream|invalid stream|checksum mismatch|failed to read from stream|incomplete stream|Partially received snapshot is saved|invalid record type/,
    'Send it again.',
  ],
];

export function streamError(op: string, target: string, ran: Ran): IoError {
  const found = sentences.find(([, sentence]) => sentence.test(ran.stderr));
  if (!found) return commandError(op, target, ran);
  const [code, , hint] = found;
  const said = ran.stderr.trim().split('\n').slice(0, 3).join(' ');
  return new IoError(code, { op, target, message: `${op} of ${target} failed: ${said}`, hint });
}
