import { streamOf, type StreamId } from '#events/envelope.ts';
import type { SnapshotReason } from '#events/snapshot.ts';
import type { ActorState, LabView } from '../actor.ts';
import type { Decisions } from '../commands.ts';
import { draft, drafts, nameTaken, newMetadata, startOperation, withNamed, withVisit } from '../drafting.ts';
import { reject } from '../rejection.ts';
import type { snapshotCommands } from './commands.ts';

const write = ({ namespace }: { namespace: string }) => ({ verb: 'write', kind: 'snapshot', namespace }) as const;

const reported = ({ snapshot }: { snapshot: StreamId<'snapshot'> }, lab: LabView) => {
  const volume = lab.get(snapshot)?.context.volume;
  return { verb: 'report', kind: 'snapshot', node: (volume && lab.get(volume)?.context.node) ?? 'node:' } as const;
};

/** `2026-11-21-1405-07` in UTC: sorts by time, reads as one. */
function snapshotName(at: number): string {
  const [date = '', time = ''] = new Date(at).toISOString().split('T');
  return `${date}-${time.slice(0, 2)}${time.slice(3, 5)}-${time.slice(6, 8)}`;
}

/** The first of `base`, `base-2`, `base-3` … that no snapshot of the volume has: log time may stand still. */
function freeName(base: string, volume: StreamId<'volume'>, lab: LabView): string {
  const taken = new Set(lab.referrers(volume, 'snapshot').map(({ context }) => context.metadata.name));
  let name = base;
  for (let n = 2; taken.has(name); n++) name = `${base}-${n}`;
  return name;
}

/** Draft of a snapshot that got no name from a person. */
export function requestSnapshot(
  volume: ActorState<'volume'>,
  id: string,
  now: number,
  reason: SnapshotReason,
  lab: LabView,
) {
  const name = freeName(snapshotName(now), volume.stream, lab);
  return draft(streamOf('snapshot', id), 'snapshot.requested', {
    metadata: newMetadata(id, name, volume.context.metadata.namespace),
    volume: volume.stream,
    reason,
  });
}

export const snapshotDecisions: Decisions<keyof typeof snapshotCommands> = {
  'take-snapshot': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'volume', ask.input, (volume) => {
        if (volume.state !== 'ready') {
          return reject(
            'NOT_NOW',
            `Volume ${ask.input.name} is ${volume.state}.`,
            'A snapshot needs a volume that is ready.',
          );
        }
        const stream = streamOf('snapshot', ask.id(1));
        const siblings = lab.referrers(volume.stream, 'snapshot');
        if (ask.input.as !== undefined && siblings.some(({ context }) => context.metadata.name === ask.input.as)) {
          return nameTaken('snapshot', ask.input.as);
        }
        const made = requestSnapshot(volume, ask.id(1), ask.now, 'manual', lab);
        const named = ask.input.as ?? (made.type === 'snapshot.requested' ? made.data.metadata.name : '');
        return drafts(
          startOperation(ask, 'take-snapshot', stream, `${ask.input.name}@${named}`, ask.input.namespace),
          draft(stream, 'snapshot.requested', {
            metadata: newMetadata(ask.id(1), named, ask.input.namespace),
            volume: volume.stream,
            reason: 'manual',
            ...(ask.input.note === undefined ? {} : { note: ask.input.note }),
          }),
        );
      }),
  },

  'remove-snapshot': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'volume', ask.input, (volume) => {
        const found = lab
          .referrers(volume.stream, 'snapshot')
          .find(({ context }) => context.metadata.name === ask.input.snapshot);
        if (!found) {
          return reject(
            'NOT_FOUND',
            `Volume ${ask.input.name} has no snapshot ${ask.input.snapshot}.`,
            `floatlab volume snapshots ${ask.input.name} shows what there is.`,
          );
        }
        if (volume.context.rollback?.to === found.stream) {
          return reject(
            'NOT_NOW',
            `Volume ${ask.input.name} is being rolled back to ${ask.input.snapshot}.`,
            'Wait until it is ready.',
          );
        }
        return drafts(
          startOperation(
            ask,
            'remove-snapshot',
            found.stream,
            `${ask.input.name}@${ask.input.snapshot}`,
            ask.input.namespace,
          ),
          draft(found.stream, 'snapshot.removal-requested', { because: 'asked for' }),
        );
      }),
  },

  'prune-snapshots': {
    scope: () => ({ verb: 'govern', kind: 'snapshot' }),
    decide: ({ input }, lab) => {
      const inUse = lab.get(input.volume)?.context.rollback?.to;
      return drafts(
        input.snapshots
          .filter(
            ({ snapshot }) => ['available', 'failed'].includes(lab.get(snapshot)?.state ?? '') && snapshot !== inUse,
          )
          .map(({ snapshot, because }) => draft(snapshot, 'snapshot.removal-requested', { because })),
      );
    },
  },

  'report-snapshot-taken': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.snapshot, input.visit, () =>
        drafts(draft(input.snapshot, 'snapshot.taken', { guid: input.guid, takenAt: input.takenAt })),
      ),
  },

  'report-snapshot-failed': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.snapshot, input.visit, () =>
        drafts(draft(input.snapshot, 'snapshot.failed', { problem: input.problem })),
      ),
  },

  'report-snapshot-removed': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.snapshot, input.visit, () => drafts(draft(input.snapshot, 'snapshot.removed', {}))),
  },
};
