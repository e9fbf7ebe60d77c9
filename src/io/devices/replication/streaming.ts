/**
 * Both ends of a stream. It does not hold a turn on its dataset while it runs, or a dead peer would keep that for as long
 * as the longest silence: it takes one at both ends of its own life.
 *
 *     turn: checked, marked ──▶ the stream, under a private name ──▶ turn: checked again, accepted
 *
 * Between the two a seal may have come, which ends the stream; what has arrived by then is thrown away.
 */
import type { Call } from '../call.ts';
import { asIoError, IoError } from '../error.ts';
import { checkSnapshotName, describe } from '../volumes/names.ts';
import type { Dataset, SnapInfo } from '../volumes/port.ts';
import type { Backend, Found, Hands } from './backend.ts';
import { checkEpoch, checkForm, compareEpochs } from './names.ts';
import type { Base, Incoming, ReplicationPort, Sending, Wanted } from './port.ts';
import { checkBase, checkFormat, checkSendable, refusal, refuseStale, snapInfo } from './refusals.ts';
import { counted } from './running.ts';
import type { Turns } from './turns.ts';

export function streaming(
  backend: Backend,
  { handsOf, on, inTurn, running, step }: Turns,
): Pick<ReplicationPort, 'send' | 'receive' | 'abandon'> {
  return {
    async send(of, what, how, call) {
      checkSending(what);
      if (how.peer !== undefined) checkForm('send', 'name of a peer', how.peer);
      const { source, guids, format } = await on('send', of, call, async (found, hands) => {
        if (found.role === 'none') throw refusal(hands, 'MISSING', 'there is no such dataset');
        const format = how.format ?? found.format;
        checkSendable(found, format, backend.formats, hands);
        if ('resume' in what) return { source: await backend.resumed(of, what.resume, hands), guids: [], format };
        const { from, to } = ends(found, what, hands);
        if (format === 'tree' && from?.kind === 'bookmark')
          throw refusal(hands, 'MISSING', `of ${from.name} only a bookmark is left, and no file`, 'Send everything.');
        // Of a snapshot that is gone a bookmark may be left, which nobody removes.
        const held = from?.kind === 'snapshot' ? [to, from] : [to];
        if (how.peer !== undefined) await backend.hold(of, held, how.peer, hands);
        const guids = [what.from, what.to].flatMap((guid) => guid ?? []);
        return { source: await backend.source(of, from, to, { ...how, format }, hands), guids, format };
      });
      const { estimatedBytes } = source;
      return {
        format,
        ...(estimatedBytes === undefined ? {} : { estimatedBytes }),
        bytes: sent(of, source, guids, call),
      };
    },

    async receive(into, what, bytes, call) {
      checkIncoming(what);
      const target = describe(into);
      const begun = await on('receive', into, call, async (found, hands) => {
        const known = admit(found, what, hands);
        if (known) return { known };
        const stream = running.beginReceiving(target, what.epoch, call.signal);
        try {
          const { epoch, lineage } = what;
          await backend.mark(into, { ...found.marker, epoch, lineage, incoming: announced(what) }, hands);
          await step('marked');
          return { stream };
        } catch (error) {
          stream.end();
          throw error;
        }
      }).catch(async (error: unknown) => {
        leave(bytes);
        throw error;
      });
      if ('known' in begun) {
        leave(bytes);
        return begun.known;
      }
      const { stream } = begun;
      let hasArrived = false;
      try {
        const how = { signal: stream.signal, silenceMs: call.timeoutMs, came: counted(call, `receiving ${target}`) };
        const hands = handsOf('receive', target, { ...call, signal: stream.signal, timeoutMs: longestMs });
        await backend.arrive(into, what, bytes, how, hands);
        hasArrived = true;
        await step('arrived');
        return await inTurn('receive', into, { ...call, signal: stream.signal }, async (within) => {
          const marker = await backend.marker(into, within);
          if (compareEpochs(marker.epoch, what.epoch) > 0) await backend.drop(into, within);
          refuseStale(within, marker, what.epoch);
          return backend.accept(into, what, within);
        });
      } catch (error) {
        const fenced = stream.signal.aborted && !call.signal.aborted;
        throw fenced
          ? new IoError('FENCED', {
              op: 'receive',
              target,
              message: `the stream for ${target} was ended: somebody with a higher epoch, or another decision, came`,
              hint: 'Look who has the volume now.',
              cause: error,
            })
          : asIoError(error, 'receive', target);
      } finally {
        stream.end();
        leave(bytes);
        if (!hasArrived) await tidy(into, call);
      }
    },

    abandon: (of, call) =>
      on('abandon', of, call, async (_, hands) => {
        if (running.receiving(describe(of))) throw refusal(hands, 'BUSY', 'a stream for it is being received');
        await backend.drop(of, hands);
      }),
  };

  /** What a stream that failed has left is thrown away by the next call; this is one, whatever became of the caller. */
  async function tidy(into: Dataset, call: Call): Promise<void> {
    const patient = { ...call, signal: new AbortController().signal, timeoutMs: Math.min(call.timeoutMs, tidyMs) };
    await on('receive', into, patient, async () => undefined).catch(() => undefined);
  }

  async function* sent(
    of: Dataset,
    source: Awaited<ReturnType<Backend['source']>>,
    guids: readonly string[],
    call: Call,
  ): AsyncGenerator<Uint8Array> {
    const target = describe(of);
    const done = running.beginSending(target, guids);
    const came = counted(call, `sending ${target}`, source.estimatedBytes);
    try {
      for await (const piece of source.read(call.signal, call.timeoutMs)) {
        came(piece.length);
        yield piece;
      }
    } catch (error) {
      throw asIoError(error, 'send', target);
    } finally {
      done();
    }
  }

  /** Whether the stream is wanted. @returns the snapshot when it is there already @throws IoError */
  function admit(found: Found, what: Incoming, hands: Hands): SnapInfo | undefined {
    if (found.role === 'volume')
      throw refusal(hands, 'EXISTS', 'it is a volume here, not a replica', 'Only one of two may write: demote one.');
    refuseStale(hands, found.marker, what.epoch);
    checkFormat(found, what, backend.formats, hands);
    if (found.role === 'replica' && found.marker.lineage !== null && found.marker.lineage !== what.lineage)
      throw refusal(
        hands,
        'DIVERGED',
        `it has the lineage ${found.marker.lineage}, and the stream ${what.lineage}`,
        'Set aside what they do not have in common.',
      );
    const known = found.bases.find(({ kind, guid }) => kind === 'snapshot' && guid === what.to.guid);
    if (known) return snapInfo(known);
    checkBase(found, what, hands);
    if (running.receiving(hands.target)) throw refusal(hands, 'BUSY', 'a stream for it is being received');
    return undefined;
  }

  /** What is being received, as it is written down. */
  function announced({ from, to, format }: Incoming): Wanted {
    return {
      ...(from === undefined ? {} : { from }),
      ...{ to: { name: to.name, guid: to.guid } },
      ...(backend.formats.length > 1 ? { format } : {}),
    };
  }
}

const longestMs = 2 ** 31 - 1;
const tidyMs = 30_000;

/** @throws IoError MISSING, DIVERGED */
function ends(found: Found, what: Exclude<Sending, { resume: string }>, hands: Hands): { from?: Base; to: Base } {
  const at = (guid: string) => found.bases.findIndex((base) => base.guid === guid);
  const to = found.bases[at(what.to)];
  if (to?.kind !== 'snapshot') throw refusal(hands, 'MISSING', `there is no snapshot ${what.to}`);
  if (what.from === undefined) return { to };
  const from = found.bases[at(what.from)];
  if (!from) throw refusal(hands, 'MISSING', `there is neither snapshot nor bookmark ${what.from}`);
  if (at(what.from) >= at(what.to)) throw refusal(hands, 'DIVERGED', `${from.name} is not older than ${to.name}`);
  return { from, to };
}

function checkSending(what: Sending): void {
  if ('resume' in what) return checkForm('send', 'resume token', what.resume);
  checkForm('send', 'guid of a snapshot', what.to);
  if (what.from !== undefined) checkForm('send', 'guid of a snapshot', what.from);
}

function checkIncoming({ from, to, epoch, lineage }: Incoming): void {
  checkEpoch('receive', epoch);
  checkForm('receive', 'name of a lineage', lineage);
  checkSnapshotName('receive', to.name);
  checkForm('receive', 'guid of a snapshot', to.guid);
  if (from !== undefined) checkForm('receive', 'guid of a snapshot', from);
}

/**
 * Tells the sender that nobody reads any more. Nobody waits for its answer: one that is stuck would keep us, and what it
 * says is of no interest.
 */
function leave(bytes: AsyncIterable<Uint8Array>): void {
  const left = bytes[Symbol.asyncIterator]().return?.();
  left?.catch(() => undefined);
}
