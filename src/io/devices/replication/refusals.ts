/** What is refused, and in which words; and what is told of a dataset. Pure. */
import type { IoErrorCode } from '../error.ts';
import { IoError } from '../error.ts';
import type { SnapInfo } from '../volumes/port.ts';
import type { Found, Hands } from './backend.ts';
import type { Marker } from './marker.ts';
import { compareEpochs, describeEpoch } from './names.ts';
import type { Base, Bases, Epoch, Incoming, StreamFormat, Wanted } from './port.ts';
import { describeFormat } from './port.ts';

export const refusal = (
  { op, target }: Pick<Hands, 'op' | 'target'>,
  code: IoErrorCode,
  why: string,
  hint?: string,
): IoError =>
  new IoError(code, {
    op,
    target,
    message: `${op} of ${target} is refused: ${why}`,
    ...(hint === undefined ? {} : { hint }),
  });

/** @throws IoError FENCED */
export function refuseStale(hands: Hands, { epoch: known }: Marker, epoch: Epoch): void {
  if (compareEpochs(epoch, known) >= 0) return;
  const why = `epoch ${describeEpoch(epoch)} is over, it is of epoch ${describeEpoch(known)} now`;
  throw refusal(hands, 'FENCED', why, 'Another node has the volume: demote what is here, and follow that one.');
}

/** Whether it can be sent in this format. @throws IoError UNSUPPORTED */
export function checkSendable(found: Found, format: StreamFormat, known: readonly StreamFormat[], hands: Hands): void {
  if (format === found.format || (format === 'tree' && known.includes(format) && found.role === 'volume')) return;
  const why = `it is kept by ${describeFormat(found.format)}, and cannot be sent by ${describeFormat(format)}`;
  throw refusal(hands, 'UNSUPPORTED', why, known.includes('tree') ? 'Send it file by file.' : undefined);
}

/** Whether it takes streams of this format. @throws IoError UNSUPPORTED */
export function checkFormat(found: Found, { format }: Incoming, known: readonly StreamFormat[], hands: Hands): void {
  if (!known.includes(format))
    throw refusal(hands, 'UNSUPPORTED', `its pool cannot receive ${describeFormat(format)}`, 'Send files instead.');
  if (found.role !== 'replica' || found.format === format) return;
  const why = `it was begun by ${describeFormat(found.format)}, and cannot go on by ${describeFormat(format)}`;
  throw refusal(hands, 'UNSUPPORTED', why, 'Go on as it was begun, or begin anew with everything.');
}

/** Whether a stream is based on what the replica is now. @throws IoError MISSING, DIVERGED, EXISTS */
export function checkBase(found: Found, { from, to }: Wanted, hands: Hands): void {
  const newest = newestOf(found)?.guid;
  if (from === undefined && newest !== undefined)
    throw refusal(
      hands,
      'DIVERGED',
      'a stream of everything goes into a new replica only',
      'Send from a snapshot that both have, or receive under another name.',
    );
  if (from !== undefined && newest === undefined)
    throw refusal(hands, 'MISSING', 'there is no replica for a stream with a base', 'Send everything first.');
  if (from !== newest)
    throw refusal(
      hands,
      'DIVERGED',
      `its newest snapshot is ${newest ?? 'none'}, and the stream is based on ${from ?? 'none'}`,
      'Send from its newest snapshot; where the sender does not have that, set aside what they do not have in common.',
    );
  if (found.bases.some(({ kind, name }) => kind === 'snapshot' && name === to.name))
    throw refusal(hands, 'EXISTS', `it has another snapshot ${to.name}`);
}

export const newestOf = ({ bases }: Pick<Found, 'bases'>): Base | undefined =>
  bases.findLast(({ kind }) => kind === 'snapshot');

export function basesOf({ role, format, marker, bases, resume }: Found): Bases | undefined {
  if (role === 'none' && !resume) return undefined;
  const { epoch, lineage } = marker;
  const isTold = epoch.generation > 0 || epoch.index > 0;
  return {
    // What was begun with a stream of everything is going to be a replica.
    role: role === 'none' ? 'replica' : role,
    format,
    ...(isTold ? { epoch } : {}),
    ...(lineage === null ? {} : { lineage }),
    all: bases,
    newest: newestOf({ bases })?.guid,
    ...(resume ? { resume } : {}),
  };
}

export const snapInfo = ({ name, guid, createdAt }: Base): SnapInfo => ({ name, guid, createdAt });
