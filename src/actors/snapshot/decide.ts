import { streamOf, type StreamId } from '#events/envelope.ts';
import type { ActorState, Decision, LabView } from '../actor.ts';
import type { Decisions } from '../commands.ts';
import { draft, drafts, nameTaken, startOperation, unchanged, withNamed, withVisit } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { needersOf } from '../replica/known.ts';
import { usedFor } from '../retention/used-for.ts';
import { snapshotsCaughtUp } from '../schedule/snapshots.ts';
import { beingRead, takenInVain } from '../transfer/under-way.ts';
import { clonesUnderWay } from '../volume/actor.ts';
import { placedClones, withoutOrigin } from '../volume/clones.ts';
import { requestChangeSnapshots } from './changes.ts';
import type { snapshotCommands } from './commands.ts';
import { heldProblem } from './held.ts';
import { freeName, requestSnapshot } from './request.ts';
import { lostWith, takeAppSnapshot } from './sets.ts';

const write = ({ namespace }: { namespace: string }) => ({ verb: 'write', kind: 'snapshot', namespace }) as const;

const reported = ({ snapshot }: { snapshot: StreamId<'snapshot'> }, lab: LabView) => {
  const volume = lab.get(snapshot)?.context.volume;
  return { verb: 'report', kind: 'snapshot', node: (volume && lab.get(volume)?.context.node) ?? 'node:' } as const;
};

const reportedBy = ({ node }: { node: StreamId<'node'> }) => ({ verb: 'report', kind: 'snapshot', node }) as const;

/** Those of a report that are still as they were when its work began, and on the node that reports. */
const current = <R extends { readonly snapshot: StreamId<'snapshot'>; readonly visit: number }>(
  { node, snapshots }: { readonly node: StreamId<'node'>; readonly snapshots: readonly R[] },
  lab: LabView,
): readonly R[] => {
  const seen = new Set<string>();
  return snapshots.filter(({ snapshot, visit }) => {
    const known = lab.get(snapshot);
    if (known?.visit !== visit || lab.get(known.context.volume)?.context.node !== node) return false;
    // Said twice in one report it is true once.
    return !seen.has(snapshot) && seen.add(snapshot);
  });
};

const volumesOf = (snapshots: readonly StreamId<'snapshot'>[], lab: LabView): readonly ActorState<'volume'>[] =>
  [...new Set(snapshots.flatMap((stream) => lab.get(stream)?.context.volume ?? []))].flatMap(
    (volume) => lab.get(volume) ?? [],
  );

const isResting = (snapshot: StreamId<'snapshot'>, lab: LabView): boolean =>
  ['available', 'failed'].includes(lab.get(snapshot)?.state ?? '');

const snapshotNamed = (volume: ActorState<'volume'>, named: string, lab: LabView) =>
  lab.referrers(volume.stream, 'snapshot').find(({ context }) => context.metadata.name === named);

const noSnapshot = ({ name, snapshot }: { readonly name: string; readonly snapshot: string }): Decision =>
  reject(
    'NOT_FOUND',
    `Volume ${name} has no snapshot ${snapshot}.`,
    `floatlab volume snapshots ${name} shows what there is.`,
  );

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
        const named = ask.input.as ?? freeName(ask.now, [volume.stream], lab);
        const note = ask.input.note === undefined ? {} : { note: ask.input.note };
        return drafts(
          startOperation(ask, 'take-snapshot', stream, `${ask.input.name}@${named}`, ask.input.namespace),
          requestSnapshot(volume, ask.id(1), ask.now, 'manual', lab, { name: named, ...note }),
        );
      }),
  },

  'take-app-snapshot': { scope: write, decide: takeAppSnapshot },

  'note-snapshot': {
    scope: write,
    decide: ({ input }, lab) =>
      withNamed(lab, 'volume', input, (volume) => {
        const found = snapshotNamed(volume, input.snapshot, lab);
        if (!found) return noSnapshot(input);
        // What is only blanks tells nobody anything.
        const note = input.note?.trim() || null;
        if (note === found.context.note) return unchanged;
        if (found.state === 'removing') {
          return reject(
            'NOT_NOW',
            `Snapshot ${input.snapshot} of volume ${input.name} is being removed.`,
            `floatlab volume snapshots ${input.name} shows those that stay.`,
          );
        }
        return drafts(draft(found.stream, 'snapshot.noted', { note }));
      }),
  },

  'request-change-snapshots': { scope: reportedBy, decide: requestChangeSnapshots },

  'remove-snapshot': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'volume', ask.input, (volume) => {
        const found = snapshotNamed(volume, ask.input.snapshot, lab);
        if (!found) return noSnapshot(ask.input);
        const clones = clonesUnderWay(found.stream, lab).map(({ context }) => context.metadata.name);
        if (clones.length > 0) {
          return reject(
            'NOT_NOW',
            `Volume ${clones.join(', ')} is being made from snapshot ${ask.input.snapshot}.`,
            'Try again when that is done.',
          );
        }
        if (volume.context.rollback?.to === found.stream) {
          return reject(
            'NOT_NOW',
            `Volume ${ask.input.name} is being rolled back to ${ask.input.snapshot}.`,
            'Wait until it is ready.',
          );
        }
        const read = beingRead(found.stream, ask.input.snapshot, lab);
        if (read) return read;
        const needers = needersOf(found, lab);
        if (needers.length > 0) {
          return reject(
            'NOT_NOW',
            `The replica of volume ${ask.input.name} on ${needers.join(', ')} stands on snapshot ${ask.input.snapshot}.`,
            'It is free once the replica has a newer one: floatlab replica sync REPLICA.',
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
    decide: ({ input, now }, lab) =>
      drafts(
        input.snapshots
          .filter(({ snapshot }) => isResting(snapshot, lab) && usedFor(snapshot, lab, now) === undefined)
          .map(({ snapshot, because }) => draft(snapshot, 'snapshot.removal-requested', { because })),
      ),
  },

  'withdraw-removals': {
    scope: () => ({ verb: 'govern', kind: 'snapshot' }),
    decide: ({ input }, lab) =>
      drafts(
        input.snapshots
          .filter((snapshot) => isResting(snapshot, lab) && lab.get(snapshot)?.context.held)
          .map((snapshot) => draft(snapshot, 'snapshot.removal-withdrawn', {})),
      ),
  },

  'report-snapshot-taken': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.snapshot, input.visit, () => {
        const { snapshot, visit: _, ...fact } = input;
        return drafts(
          draft(snapshot, 'snapshot.taken', fact),
          placedClones(snapshot, lab),
          takenInVain(snapshot, lab),
          snapshotsCaughtUp(volumesOf([snapshot], lab), lab),
        );
      }),
  },

  'report-snapshot-failed': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.snapshot, input.visit, () =>
        drafts(
          draft(input.snapshot, 'snapshot.failed', { problem: input.problem }),
          takenInVain(input.snapshot, lab),
          withoutOrigin(input.snapshot, input.problem, lab),
          lostWith(input.snapshot, input.problem, lab),
        ),
      ),
  },

  'report-snapshot-removed': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.snapshot, input.visit, () => drafts(draft(input.snapshot, 'snapshot.removed', {}))),
  },

  'report-snapshot-held': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.snapshot, input.visit, (snapshot) =>
        drafts(
          draft(input.snapshot, 'snapshot.removal-refused', { problem: heldProblem(snapshot, input.problem, lab) }),
        ),
      ),
  },

  'report-snapshots-taken': {
    scope: reportedBy,
    decide: ({ input }, lab) => {
      const taken = current(input, lab);
      const streams = taken.map(({ snapshot }) => snapshot);
      return drafts(
        taken.flatMap(({ snapshot, visit: _, ...fact }) => [
          draft(snapshot, 'snapshot.taken', fact),
          ...placedClones(snapshot, lab),
          ...takenInVain(snapshot, lab),
        ]),
        snapshotsCaughtUp(volumesOf(streams, lab), lab),
      );
    },
  },

  'report-snapshots-removed': {
    scope: reportedBy,
    decide: ({ input }, lab) =>
      drafts(current(input, lab).map(({ snapshot }) => draft(snapshot, 'snapshot.removed', {}))),
  },
};
