/**
 * When a step may be taken: the law of replication, once for all file systems.
 *
 * Calls on one dataset wait for one another. Streams do not hold that turn while they run, or a dead peer would keep its
 * dataset for as long as the longest silence; they hold a place among `running`, and take their turn at both ends:
 *
 *     turn: checked, marked ──▶ the stream, under a private name ──▶ turn: checked again, accepted
 *
 * Between the two a seal may have come, which ends the stream; what has arrived by then is thrown away.
 */
import type { Call } from '../call.ts';
import type { Clock } from '../clock/port.ts';
import { realClock } from '../clock/real.ts';
import { asIoError, IoError } from '../error.ts';
import { deadline } from '../volumes/deadline.ts';
import { keyedLock } from '../volumes/lock.ts';
import { checkDatasetName, checkSnapshotName, describe } from '../volumes/names.ts';
import type { Dataset, SnapInfo } from '../volumes/port.ts';
import { checkSpec } from '../volumes/spec.ts';
import type { Backend, Found, Hands } from './backend.ts';
import { guarded } from './guard.ts';
import { checkEpoch, checkForm, compareEpochs } from './names.ts';
import type { Base, Epoch, Incoming, ReplicationPort, Sending, Wanted } from './port.ts';
import { basesOf, checkBase, checkFormat, checkSendable, newestOf, refusal, refuseStale } from './refusals.ts';
import { counted, runningStreams } from './running.ts';

export interface OverOptions {
  readonly clock?: Clock;
  /** Told after each step that a crash may follow; for tests that crash there. */
  readonly step?: Hands['step'];
}

export function replicationOver(backend: Backend, options: OverOptions = {}): ReplicationPort {
  const clock = options.clock ?? realClock;
  const step = options.step ?? (() => undefined);
  const oneAtATime = keyedLock();
  const running = runningStreams();

  const handsOf = (op: string, target: string, call: Call): Hands => ({
    op,
    target,
    within: deadline(call, op, target, clock),
    step,
  });

  /** Waits for its turn on the dataset, and finds it as it is once what was interrupted is finished. */
  function on<T>(op: string, of: Dataset, call: Call, body: (found: Found, hands: Hands) => Promise<T>): Promise<T> {
    return inTurn(op, of, call, async (hands) =>
      body(await backend.find(of, hands, running.receiving(describe(of))), hands),
    );
  }

  async function inTurn<T>(op: string, of: Dataset, call: Call, body: (hands: Hands) => Promise<T>): Promise<T> {
    checkDatasetName(op, of);
    const target = describe(of);
    const hands = handsOf(op, target, call);
    return oneAtATime(target, hands.within, async () => {
      try {
        hands.within.check();
        return await body(hands);
      } catch (error) {
        throw asIoError(error, op, target);
      }
    });
  }

  /** For what changes the role or the history: whoever is behind is refused, and streams are ended first. */
  async function decisive<T>(
    op: string,
    of: Dataset,
    epoch: Epoch,
    call: Call,
    body: (found: Found, hands: Hands) => Promise<T>,
  ): Promise<T> {
    checkEpoch(op, epoch);
    checkDatasetName(op, of);
    await on(op, of, call, async ({ marker }, hands) => refuseStale(hands, marker, epoch));
    await running.endReceiving(describe(of), handsOf(op, describe(of), call).within);
    return on(op, of, call, async (found, hands) => {
      refuseStale(hands, found.marker, epoch);
      if (running.receiving(describe(of))) throw refusal(hands, 'BUSY', 'a stream for it is being received');
      return body(found, hands);
    });
  }

  const raised = (found: Found, epoch: Epoch, lineage?: string): Found => ({
    ...found,
    marker: { ...found.marker, epoch, lineage: lineage ?? found.marker.lineage },
  });

  return {
    async abilities(pool, call, format) {
      const hands = handsOf('abilities', pool, call);
      try {
        hands.within.check();
        return await backend.abilities(pool, hands, format);
      } catch (error) {
        throw asIoError(error, 'abilities', pool);
      }
    },

    async replicas(pool, call) {
      const hands = handsOf('replicas', pool, call);
      try {
        hands.within.check();
        return await backend.replicas(pool, hands);
      } catch (error) {
        throw asIoError(error, 'replicas', pool);
      }
    },

    bases: (of, call) => on('bases', of, call, async (found) => basesOf(found)),

    async protect(of, guid, peer, call) {
      checkForm('protect', 'guid of a snapshot', guid);
      checkForm('protect', 'name of a peer', peer);
      return on('protect', of, call, async (found, hands) => {
        const base = found.bases.find((one) => one.guid === guid);
        if (base?.kind !== 'snapshot') throw refusal(hands, 'MISSING', `there is no snapshot ${guid}`);
        await backend.hold(of, base, peer, hands);
      });
    },

    async unprotect(of, peer, except, call) {
      checkForm('unprotect', 'name of a peer', peer);
      return on('unprotect', of, call, (_, hands) => backend.release(of, peer, new Set(except), hands));
    },

    async send(of, what, how, call) {
      checkSending(what);
      const { source, guids, format } = await on('send', of, call, async (found, hands) => {
        if (found.role === 'none') throw refusal(hands, 'MISSING', 'there is no such dataset');
        const format = how.format ?? found.format;
        checkSendable(found, format, backend.formats, hands);
        if ('resume' in what) return { source: await backend.resumed(of, what.resume, hands), guids: [], format };
        const { from, to } = ends(found, what, hands);
        if (format === 'tree' && from?.kind === 'bookmark')
          throw refusal(hands, 'MISSING', `of ${from.name} only a bookmark is left, and no file`, 'Send everything.');
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

    async seal(of, epoch, call) {
      checkEpoch('seal', epoch);
      await on('seal', of, call, async ({ marker }, hands) => {
        refuseStale(hands, marker, epoch);
        // What the one before has sent does not count any more, whole or not.
        if (compareEpochs(marker.epoch, epoch) < 0) await backend.mark(of, { ...marker, epoch, incoming: null }, hands);
        await step('sealed');
      });
      await running.endReceiving(describe(of), handsOf('seal', describe(of), call).within, epoch);
      return on('seal', of, call, async (found) => basesOf(found));
    },

    async promote(of, epoch, spec, call) {
      checkSpec('promote', of, spec);
      return decisive('promote', of, epoch, call, async (found, hands) => {
        if (found.role === 'none' || (found.role === 'replica' && newestOf(found) === undefined))
          throw refusal(hands, 'MISSING', 'there is no replica');
        const now = raised(found, epoch);
        const pending = found.role === 'replica' ? ({ do: 'promote' } as const) : null;
        await backend.mark(of, { ...now.marker, pending }, hands);
        await step('marked');
        if (found.role === 'volume') return;
        await backend.drop(of, hands);
        await backend.promote(of, spec, now, hands);
        await backend.mark(of, { ...now.marker, incoming: null, pending: null }, hands);
        await step('promoted');
      });
    },

    async demote(of, how, call) {
      checkSnapshotName('demote', how.final);
      checkForm('demote', 'name of a lineage', how.lineage);
      return decisive('demote', of, how.epoch, call, async (found, hands) => {
        if (found.role === 'none') throw refusal(hands, 'MISSING', 'there is no such volume');
        const { marker } = raised(found, how.epoch, how.lineage);
        if (found.role === 'volume') {
          if (found.bases.some(({ kind, name }) => kind === 'snapshot' && name === how.final))
            throw refusal(hands, 'EXISTS', `it has a snapshot ${how.final} already`);
          const format = how.format ?? found.format;
          checkSendable(found, format, backend.formats, hands);
          await backend.demote(of, how.final, { ...found, marker, format }, hands);
        } else if (compareEpochs(found.marker.epoch, how.epoch) < 0) await backend.mark(of, marker, hands);
        const newest = newestOf(await backend.find(of, hands, false));
        if (!newest) throw refusal(hands, 'DAMAGED', 'it has no snapshot');
        return snapInfo(newest);
      });
    },

    async setAside(of, how, call) {
      const { common, as, epoch, lineage } = how;
      checkDatasetName('setAside', { ...of, name: as });
      checkForm('setAside', 'guid of a snapshot', common);
      checkForm('setAside', 'name of a lineage', lineage);
      return decisive('setAside', of, epoch, call, async (found, hands) => {
        if (found.role === 'volume') throw refusal(hands, 'INVALID', 'it is a volume here', 'Demote it first.');
        if (found.role === 'none') throw refusal(hands, 'MISSING', 'there is no such replica');
        const base = found.bases.find(({ kind, guid }) => kind === 'snapshot' && guid === common);
        if (!base) throw refusal(hands, 'MISSING', `there is no snapshot ${common}`);
        if (as === of.name) throw refusal(hands, 'INVALID', 'it cannot be set aside as itself');
        await (backend.keepWritten ?? backend.drop)(of, hands);
        const now = raised(await backend.find(of, hands, false), epoch, lineage);
        if (newestOf(now)?.guid !== common) await backend.setAside(of, base, as, now, hands);
        await backend.mark(of, { ...now.marker, incoming: null, pending: null }, hands);
        await step('followed');
      });
    },

    async removeSnapshots(of, names, call) {
      for (const name of names) checkSnapshotName('removeSnapshots', name);
      return on('removeSnapshots', of, call, async (found, hands) => {
        if (found.role === 'volume') throw refusal(hands, 'INVALID', 'it is a volume here');
        const newest = newestOf(found)?.name ?? '';
        if (names.includes(newest))
          throw refusal(hands, 'INVALID', `${newest} is its content`, 'Discard the replica to be rid of it.');
        const there = found.bases.filter(({ kind, name }) => kind === 'snapshot' && names.includes(name));
        const sent = there.find(({ guid }) => running.isSent(describe(of), guid));
        if (sent) throw refusal(hands, 'BUSY', `${sent.name} is being sent`);
        const free = there.filter(({ peers }) => peers.length === 0).map(({ name }) => name);
        if (free.length > 0) await backend.removeSnapshots(of, free, hands);
        refuseHeld(hands, there);
      });
    },

    discard: (of, epoch, call) =>
      decisive('discard', of, epoch, call, async (found, hands) => {
        if (found.role === 'volume') throw refusal(hands, 'INVALID', 'it is a volume here', 'Demote it first.');
        refuseHeld(hands, found.bases);
        if (running.isSent(describe(of))) throw refusal(hands, 'BUSY', 'it is being sent');
        const { marker } = raised(found, epoch);
        await backend.mark(of, { ...marker, incoming: null, holds: [] }, hands);
        await step('marked');
        await backend.discard(of, hands);
      }),

    guard: (volumes) =>
      guarded(volumes, {
        turn: (op, of, call, body) => on(op, of, call, body),
        alone: (op, of, call, body) =>
          inTurn(op, of, call, async (hands) => {
            await (backend.settle ?? backend.find)(of, hands, running.receiving(describe(of)));
            return body(hands);
          }),
        isSent: (of, guid) => running.isSent(describe(of), guid),
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

/** @throws IoError HELD */
function refuseHeld(hands: Hands, bases: readonly Base[]): void {
  const held = bases.find(({ kind, peers }) => kind === 'snapshot' && peers.length > 0);
  if (held)
    throw refusal(
      hands,
      'HELD',
      `${held.name} is needed by ${held.peers.join(', ')}`,
      'Let the replica catch up, or remove it from the peers.',
    );
}

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

const snapInfo = ({ name, guid, createdAt }: Base): SnapInfo => ({ name, guid, createdAt });

/**
 * Tells the sender that nobody reads any more. Nobody waits for its answer: one that is stuck would keep us, and what it
 * says is of no interest.
 */
function leave(bytes: AsyncIterable<Uint8Array>): void {
  const left = bytes[Symbol.asyncIterator]().return?.();
  left?.catch(() => undefined);
}
