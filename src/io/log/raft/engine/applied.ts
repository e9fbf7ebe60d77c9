/**
 * What the history holds of each entry of the consensus log: what it came to.
 *
 *   kind u8 │ index of the last event before it u64 │ body
 *
 *   events    a record of the event log (`../../codec.ts`): versions and the packed command
 *   nothing   the packed command: something that it expected was not so, and no event came of it
 *   batch     several of these two, in order: kind u8 │ length u32 │ body, one after another
 *   change    members came or went: the proposer's note
 *   empty     –
 *
 * The same on all members, since all find the same; so histories are equal byte by byte.
 */
import { Buffer } from 'node:buffer';
import { checkRecorded, countOf } from '../../codec.ts';
import { LogError } from '../../port.ts';

export const appliedKinds = ['empty', 'change', 'events', 'nothing', 'batch'] as const;
export type AppliedKind = (typeof appliedKinds)[number];

/** What one command came to. */
export interface AppliedCommand {
  readonly kind: 'events' | 'nothing';
  readonly body: Uint8Array;
}

export interface Applied {
  readonly kind: AppliedKind;
  /** Index of the last event before it. */
  readonly head: number;
  readonly body: Uint8Array;
}

const headBytes = 9;
const partHeadBytes = 5;

export function packApplied({ kind, head, body }: Applied): Uint8Array {
  const bytes = begin(kind, head, body.length);
  bytes.set(body, headBytes);
  return bytes;
}

/** @param head index of the last event before all of them */
export function packCommands(head: number, commands: readonly AppliedCommand[]): Uint8Array {
  const { bytes, bodies } = layOutCommands(
    head,
    commands.map(({ kind, body }) => ({ kind, sizeBytes: body.length })),
  );
  for (const [at, { body }] of commands.entries()) bodies[at]?.set(body);
  return bytes;
}

/** The same without the bodies, each of which is to be written into its place. */
export function layOutCommands(
  head: number,
  commands: readonly { readonly kind: AppliedCommand['kind']; readonly sizeBytes: number }[],
): { readonly bytes: Uint8Array; readonly bodies: readonly Buffer[] } {
  const [only] = commands;
  if (only && commands.length === 1) {
    const bytes = begin(only.kind, head, only.sizeBytes);
    return { bytes, bodies: [bytes.subarray(headBytes)] };
  }
  let allBytes = 0;
  for (const { sizeBytes } of commands) allBytes += partHeadBytes + sizeBytes;
  const bytes = begin('batch', head, allBytes);
  let at = headBytes;
  const bodies = commands.map(({ kind, sizeBytes }) => {
    bytes[at] = appliedKinds.indexOf(kind);
    bytes.writeUInt32BE(sizeBytes, at + 1);
    const body = at + partHeadBytes;
    at = body + sizeBytes;
    return bytes.subarray(body, at);
  });
  return { bytes, bodies };
}

function begin(kind: AppliedKind, head: number, bodyBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + bodyBytes);
  bytes[0] = appliedKinds.indexOf(kind);
  bytes.writeUIntBE(Math.floor(head / 2 ** 32), 1, 4);
  bytes.writeUInt32BE(head >>> 0, 5);
  return bytes;
}

/** @throws LogError TOO_NEW */
export function unpackApplied(index: number, bytes: Uint8Array): Applied {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = appliedKinds[buffer[0] ?? -1];
  if (kind === undefined || buffer.length < headBytes) throw tooNew(index);
  return {
    kind,
    head: buffer.readUInt32BE(1) * 2 ** 32 + buffer.readUInt32BE(5),
    body: bytes.subarray(headBytes),
  };
}

/** What each command of an entry came to; none for an entry that is no command. @throws LogError TOO_NEW */
export function commandsOf(index: number, { kind, body }: Applied): readonly AppliedCommand[] {
  if (kind === 'events' || kind === 'nothing') return [{ kind, body }];
  if (kind !== 'batch') return [];
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const commands: AppliedCommand[] = [];
  for (let at = 0; at < buffer.length;) {
    const part = appliedKinds[buffer[at] as number];
    const end = at + partHeadBytes + (at + partHeadBytes <= buffer.length ? buffer.readUInt32BE(at + 1) : 0);
    if ((part !== 'events' && part !== 'nothing') || end > buffer.length) throw tooNew(index);
    commands.push({ kind: part, body: body.subarray(at + partHeadBytes, end) });
    at = end;
  }
  return commands;
}

/** Records of the event log that an entry came to, with the index of the first event of each. @throws LogError DAMAGED, TOO_NEW */
export function recordsOf(
  index: number,
  applied: Applied,
): readonly { readonly first: number; readonly bytes: Uint8Array }[] {
  const records: { readonly first: number; readonly bytes: Uint8Array }[] = [];
  let first = applied.head + 1;
  for (const { kind, body } of commandsOf(index, applied)) {
    if (kind !== 'events') continue;
    checkRecorded(first, body);
    records.push({ first, bytes: body });
    first += countOf(body);
  }
  return records;
}

/** Index of the last event up to and with an entry. @throws LogError DAMAGED, TOO_NEW */
export function headAfter(index: number, applied: Applied): number {
  const last = recordsOf(index, applied).at(-1);
  return last ? last.first + countOf(last.bytes) - 1 : applied.head;
}

const tooNew = (index: number): LogError =>
  new LogError(
    'TOO_NEW',
    `entry ${index} of the history is of a kind that this version does not know`,
    'Install the version of FloatLab that wrote it, or a later one.',
  );
