/**
 * Entries of another node's history, brought back to what the group agreed on: so that this node's own log applies them,
 * and its history gets what it finds itself and not what it was told. What does not follow what is here is refused.
 */
import { countOf, openEntry, partsOf } from '../../codec.ts';
import { commandsOf, headAfter, unpackApplied, type Applied, type AppliedCommand } from '../engine/applied.ts';
import { isCommand, packBatch } from '../engine/batch.ts';
import type { HistoryEntry } from '../history/segment.ts';
import { entryTypes, pack, type Slice } from '../member/protocol.ts';
import { garbled } from './frames.ts';

/** Where the next entry has to begin. */
export interface Cursor {
  /** Of the last entry; 0 before the first. */
  readonly index: number;
  readonly term: number;
  /** Index of the last event that it came to. */
  readonly head: number;
}

export const beginning: Cursor = { index: 0, term: 0, head: 0 };

/** @throws LogError TOO_NEW, DAMAGED */
export function cursorAt({ index, term, bytes }: HistoryEntry): Cursor {
  return { index, term, head: headAfter(index, unpackApplied(index, bytes)) };
}

/**
 * @param entries one at least
 * @param term of who sends them: no entry is of a later one
 * @throws LogError DAMAGED where they do not follow the cursor, TOO_NEW
 */
export function translate(
  entries: readonly HistoryEntry[],
  after: Cursor,
  term: number,
): { readonly slice: Slice; readonly cursor: Cursor } {
  let cursor = after;
  const types: number[] = [];
  const bodies: Uint8Array[] = [];
  for (const entry of entries) {
    const applied = checked(entry, cursor, term);
    types.push(entryTypes.indexOf(typeOf(applied)));
    bodies.push(bodyOf(entry.index, applied));
    cursor = { index: entry.index, term: entry.term, head: headAfter(entry.index, applied) };
  }
  const slice = {
    firstIndex: after.index + 1,
    terms: Float64Array.from(entries, (entry) => entry.term),
    types: Uint8Array.from(types),
    data: pack(bodies),
  };
  return { slice, cursor };
}

function checked({ index, term, bytes }: HistoryEntry, after: Cursor, most: number): Applied {
  if (index !== after.index + 1) throw garbled(`entry ${index} behind entry ${after.index}`);
  if (term < after.term || term > most)
    throw garbled(`entry ${index} of term ${term}, behind one of term ${after.term} and in term ${most}`);
  const applied = unpackApplied(index, bytes);
  if (applied.head !== after.head)
    throw garbled(`entry ${index} comes behind event ${applied.head}, but the one before it ends with ${after.head}`);
  const commands = commandsOf(index, applied);
  if (applied.kind === 'batch' && commands.length === 0) throw garbled(`entry ${index} is a batch of no commands`);
  for (const command of commands)
    if (!isWhole(command)) throw garbled(`entry ${index} has a command that nobody can have proposed`);
  return applied;
}

/** What makes the log stop when it has been agreed on: a checksum of whoever made it up would be right. */
function isWhole(command: AppliedCommand): boolean {
  const { kind, body } = command;
  try {
    const packed = packedOf(command);
    const { expect, streams, ends } = openEntry(packed);
    const isEach = expect.every(([stream, version]) => typeof stream === 'string' && Number.isSafeInteger(version));
    const areNames = [...streams, ...ends].every((stream) => typeof stream === 'string');
    const counts = streams.length > 0 && (kind === 'nothing' || streams.length === countOf(body));
    return isCommand(packed[0] ?? 0) && isEach && areNames && counts;
  } catch {
    return false;
  }
}

/** What came to nothing was a command, too. */
const typeOf = ({ kind }: Applied): (typeof entryTypes)[number] =>
  kind === 'empty' || kind === 'change' ? kind : 'data';

function bodyOf(index: number, applied: Applied): Uint8Array {
  const commands = commandsOf(index, applied);
  return commands.length === 0 ? applied.body : packBatch(commands.map(packedOf));
}

const packedOf = ({ kind, body }: AppliedCommand): Uint8Array => (kind === 'events' ? partsOf(body).packed : body);
