/** What changes who may write a dataset, whose history it follows, and what of it is kept: all but streams. */
import { checkDatasetName, checkSnapshotName, describe } from '../volumes/names.ts';
import { checkSpec } from '../volumes/spec.ts';
import type { Backend, Found, Hands } from './backend.ts';
import { checkEpoch, checkForm, compareEpochs } from './names.ts';
import type { Base, Epoch, ReplicationPort } from './port.ts';
import { basesOf, checkSendable, newestOf, refusal, refuseStale, snapInfo } from './refusals.ts';
import type { Turns } from './turns.ts';

type Deciding = Pick<ReplicationPort, 'seal' | 'promote' | 'demote' | 'setAside' | 'removeSnapshots' | 'discard'>;

export function deciding(backend: Backend, { handsOf, on, decisive, running, step }: Turns): Deciding {
  return {
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
  };
}

const raised = (found: Found, epoch: Epoch, lineage?: string): Found => ({
  ...found,
  marker: { ...found.marker, epoch, lineage: lineage ?? found.marker.lineage },
});

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
