/**
 * What leases say as frames on the link of consensus, beside its messages and told apart by the first byte. Who sent one
 * is not in it: the link has proven that.
 *
 *   renewal  [1, run, sequence, term and time of the echo or null twice, wanted ms]
 *   grant    [2, term, time, run, sequence, length in ms, commit index]
 *   denial   [3, term, time, run, sequence, number of the reason]
 *
 * Everything is checked when it arrives; what is none of these is refused, and ends the link.
 */
import { Packr } from 'msgpackr';
import { denialReasons, type Answer, type Renewal } from '#events/lease/message.ts';
import { BadFrame } from '../log/raft/member/message-codec.ts';

const packr = new Packr({ useRecords: false, int64AsType: 'number' });

const renewalKind = 1;
const grantKind = 2;
const denialKind = 3;

/** Nobody may hold a lease for longer, or ask for it. */
const mostMs = 3_600_000;

/** A short list; frames of messages are long ones. */
export const isLeaseFrame = (frame: Uint8Array): boolean => ((frame[0] ?? 0) & 0xf0) === 0x90;

/** Of a frame about leases: whether a node wants one. Else it is an answer, or nothing. */
export const isRenewalFrame = (frame: Uint8Array): boolean => frame[1] === renewalKind;

export function packRenewal({ run, sequence, echo, wantsMs }: Renewal): Uint8Array {
  return packr.pack([renewalKind, run, sequence, echo?.term ?? null, echo?.atMs ?? null, wantsMs]).slice();
}

export function packAnswer(answer: Answer): Uint8Array {
  const { term, atMs, run, sequence } = answer;
  const said = [term, atMs, run, sequence];
  const fields =
    answer.type === 'grant'
      ? [grantKind, ...said, answer.lengthMs, answer.commitIndex]
      : [denialKind, ...said, denialReasons.indexOf(answer.why)];
  return packr.pack(fields).slice();
}

export type LeaseMessage =
  | { readonly type: 'renewal'; readonly renewal: Renewal }
  | { readonly type: 'answer'; readonly answer: Answer };

/** @throws BadFrame for anything that is not as it is packed here */
export function unpackLease(frame: Uint8Array): LeaseMessage {
  const fields = unpacked(frame);
  const [kind] = fields;
  if (kind === renewalKind && fields.length === 6) return { type: 'renewal', renewal: renewalOf(fields) };
  if (kind === grantKind && fields.length === 7) return { type: 'answer', answer: grantOf(fields) };
  if (kind === denialKind && fields.length === 6) return { type: 'answer', answer: denialOf(fields) };
  throw new BadFrame('it says nothing about leases that is known here');
}

function unpacked(frame: Uint8Array): readonly unknown[] {
  let fields: unknown;
  try {
    fields = packr.unpack(frame);
  } catch {
    throw new BadFrame('it cannot be unpacked');
  }
  if (!Array.isArray(fields)) throw new BadFrame('it is no list');
  return fields;
}

function renewalOf([, run, sequence, echoTerm, echoMs, wantsMs]: readonly unknown[]): Renewal {
  if ((echoTerm === null) !== (echoMs === null)) throw new BadFrame('half of an echo says nothing');
  const echo = echoTerm === null ? undefined : { term: number(echoTerm), atMs: number(echoMs) };
  return { run: number(run), sequence: number(sequence), echo, wantsMs: number(wantsMs, mostMs) };
}

function answeredOf([, term, atMs, run, sequence]: readonly unknown[]) {
  return { term: number(term), atMs: number(atMs), run: number(run), sequence: number(sequence) };
}

function grantOf(fields: readonly unknown[]): Answer {
  const [lengthMs, commitIndex] = [number(fields[5], mostMs), number(fields[6])];
  return { type: 'grant', ...answeredOf(fields), lengthMs, commitIndex };
}

function denialOf(fields: readonly unknown[]): Answer {
  const why = denialReasons[number(fields[5])];
  if (why === undefined) throw new BadFrame('a lease is denied for no known reason');
  return { type: 'denial', ...answeredOf(fields), why };
}

function number(value: unknown, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most) return value as number;
  throw new BadFrame('a field about leases is no number that may stand there');
}
