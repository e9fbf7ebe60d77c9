/** Streams of the twin, out and in. As with zfs, what came of one that was cut is kept where it can be resumed. */
import { IoError } from '../../error.ts';
import type { Clock } from '../../clock/port.ts';
import type { Dataset } from '../../volumes/port.ts';
import { bytesOf, type SimPool } from '../../volumes/sim/pools.ts';
import { writable } from '../../volumes/sim/refusals.ts';
import type { Arriving, Hands, Source } from '../backend.ts';
import { beginStream, checkAnnounced } from '../head.ts';
import { patience } from '../patience.ts';
import type { Wanted } from '../port.ts';
import type { Beside, Partial } from './state.ts';
import { changesBetween, frames, readFrame, readRest, readSimHead, type SimHead } from './stream.ts';

type Files = ReadonlyMap<string, string>;

export function sendSim(
  head: SimHead,
  base: Files | undefined,
  to: Files,
  { clock, target }: { readonly clock: Clock; readonly target: string },
): Source {
  const all = [...frames(head, changesBetween(base, to))];
  return {
    estimatedBytes: all.reduce((sum, { length }) => sum + length, 0),
    async *read(signal, silenceMs) {
      const waiting = patience({ op: 'send', target, signal, silenceMs, clock });
      try {
        for (const frame of all) yield await waiting.wait(Promise.resolve(frame));
      } finally {
        waiting.end();
      }
    },
  };
}

/** `1-<guid>-<base>-<changes>`; of a stream of everything the base is 0. */
export const tokenOf = ({ wanted: { from, to }, changes }: Partial): string =>
  `1-${to.guid}-${from ?? '0'}-${changes.length.toString(16)}`;

export function readToken(token: string): SimHead | undefined {
  const [, guid, base, count = ''] = /^1-(\d+)-(\d+)-([0-9a-f]+)$/.exec(token) ?? [];
  if (guid === undefined || base === undefined) return undefined;
  return { guid, ...(base === '0' ? {} : { base }), skip: Number.parseInt(count, 16) };
}

export interface ArrivingAt {
  readonly pool: SimPool;
  readonly beside: Beside;
  readonly of: Dataset;
  readonly what: Wanted;
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly how: Arriving;
  readonly hands: Hands;
  readonly clock: Clock;
}

export async function arriveSim({ pool, beside, of, what, bytes, how, hands, clock }: ArrivingAt): Promise<void> {
  const { target } = hands;
  const waiting = patience({ op: 'receive', target, signal: how.signal, silenceMs: how.silenceMs, clock });
  const broken = (why: string) =>
    new IoError('TRUNCATED', {
      op: 'receive',
      target,
      message: `the stream for ${target} ${why}`,
      hint: 'Send it again.',
    });
  const earlier = beside.partials.get(of.name);
  try {
    const { head, start, rest } = await beginStream(bytes, readSimHead, waiting.wait, hands);
    checkAnnounced(head, what, hands);
    const goesOn = head.skip > 0;
    if (goesOn && (earlier?.wanted.to.guid !== head.guid || earlier.changes.length !== head.skip || earlier.isWhole))
      throw broken('goes on with something that is not here');
    const partial: Partial = goesOn && earlier ? earlier : { wanted: what, changes: [], isWhole: false };
    beside.partials.set(of.name, partial);
    let { crc } = head;
    let left: Buffer = start.subarray(head.bytes);
    how.came(start.length);
    for (;;) {
      const frame = readFrame(left, crc);
      if (frame === 'none') throw broken('was changed on its way');
      if (frame === 'more') {
        const next = await waiting.wait(rest.next());
        if (next.done === true) {
          if (partial.isWhole && left.length === 0) break;
          throw broken('ends before its end');
        }
        how.came(next.value.length);
        left = Buffer.concat([left, next.value]);
        continue;
      }
      if (partial.isWhole) throw broken('goes on behind its end');
      left = left.subarray(frame.bytes);
      crc = frame.crc;
      const content = readRest(frame.content);
      if (content === undefined) throw broken('cannot be understood');
      if ('count' in content) {
        if (content.count !== partial.changes.length) throw broken('does not have all that it should');
        partial.isWhole = true;
      } else {
        writable('receive', of, pool, bytesOf(content.text ?? ''));
        partial.changes.push(content);
      }
    }
  } catch (error) {
    const partial = beside.partials.get(of.name);
    if (partial) partial.isWhole = false;
    if (pool.driver !== 'zfs' || partial?.changes.length === 0) beside.partials.delete(of.name);
    throw error;
  } finally {
    waiting.end();
  }
}
