/** What `btrfs send` and `btrfs receive` say, as codes; what they have in common with other commands is known there. */
import { IoError } from '../../error.ts';
import type { Ran } from '../../run.ts';
import { commandError } from '../../volumes/btrfs/errors.ts';

export function streamError(op: string, target: string, ran: Ran): IoError {
  const said = ran.stderr.trim().split('\n').slice(-3).join(' ');
  const about = { op, target, message: `${op} of ${target} failed: ${said || `it ended with code ${ran.exitCode}`}` };
  if (/cannot find parent subvolume|parent determination failed/.test(ran.stderr))
    return new IoError('DIVERGED', { ...about, hint: 'Send from a snapshot that both have.' });
  if (
    /crc32 mismatch|short read|unexpected EOF|Unexpected header|invalid tlv|invalid cmd|magic|stream is invalid|empty stream|invalid.*stream|unexpected.*(attr|tlv|header)/i.test(
      ran.stderr,
    )
  )
    return new IoError('TRUNCATED', { ...about, hint: 'Send it again.' });
  return commandError(op, target, ran);
}
