/** What the nodes of replicas say became of their work. */
import { streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import type { ActorState, LabView } from '../actor.ts';
import type { Decisions } from '../commands.ts';
import { draft, drafts, newMetadata, withVisit } from '../drafting.ts';
import { freeNameLike } from '../volume/deletion.ts';
import { backoffOf, waitsForPerson } from './backoff.ts';
import { pointOf } from './known.ts';

export type Reports =
  | 'report-replica-synced'
  | 'report-replica-sync-failed'
  | 'report-replica-resynced'
  | 'report-replica-resync-failed'
  | 'report-replica-removed';

const reported = ({ replica }: { replica: StreamId<'replica'> }, lab: LabView) =>
  ({ verb: 'report', kind: 'replica', node: lab.get(replica)?.context.node ?? 'node:' }) as const;

export const reportDecisions: Decisions<Reports> = {
  'report-replica-synced': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.replica, input.visit, ({ stream }) => {
        const { bytes, compressed } = input;
        return drafts(draft(stream, 'replica.synced', { bytes, ...(compressed === undefined ? {} : { compressed }) }));
      }),
  },

  'report-replica-sync-failed': {
    scope: reported,
    decide: ({ input, now }, lab) =>
      withVisit(lab, input.replica, input.visit, ({ stream, context }) => {
        const { problem } = input;
        const retryAt = waitsForPerson(problem.code) ? null : now + backoffOf(stream, context.failures + 1);
        return drafts(draft(stream, 'replica.sync-failed', { problem, retryAt }));
      }),
  },

  'report-replica-resynced': {
    scope: reported,
    decide: ({ input, id }, lab) =>
      withVisit(lab, input.replica, input.visit, (replica) => {
        const { resync, dataset } = replica.context;
        if (!resync) return drafts();
        const { newest, aside } = input;
        const cursor = newest === null ? null : cursorOf(replica, newest, lab);
        // All that it had was put aside: it goes on under the other name.
        const isWhole = newest === null && aside !== undefined;
        return drafts(
          draft(replica.stream, 'replica.resynced', { dataset: isWhole ? resync.aside : dataset, cursor }),
          aside ? leftover(replica, { id: id(0), dataset: isWhole ? dataset : resync.aside, ...aside }, lab) : [],
        );
      }),
  },

  'report-replica-resync-failed': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.replica, input.visit, ({ stream }) =>
        drafts(draft(stream, 'replica.resync-failed', { problem: input.problem })),
      ),
  },

  'report-replica-removed': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.replica, input.visit, ({ stream }) => drafts(draft(stream, 'replica.removed', {}))),
  },
};

function cursorOf({ context }: ActorState<'replica'>, guid: string, lab: LabView) {
  const held = lab.referrers(context.volume, 'snapshot').find((snapshot) => snapshot.context.guid === guid);
  return (held && pointOf(held)) ?? null;
}

/** What its volume does not have is kept as a volume that was deleted, so that somebody can look at it. */
function leftover(
  { context }: ActorState<'replica'>,
  of: { readonly id: string; readonly dataset: string; readonly path: string },
  lab: LabView,
): readonly AnyDraft[] {
  const volume = lab.get(context.volume);
  const { resync, node, pool, metadata } = context;
  if (!volume || !resync) return [];
  const { replicas: _, constraints: __, snapshotOnChange: ___, hooks: ____, ...spec } = volume.context.spec;
  const stream = streamOf('volume', of.id);
  const { namespace } = metadata;
  const name = freeNameLike(volume.context.metadata.name, '-diverged', namespace, lab);
  return [
    draft(stream, 'volume.created', { metadata: newMetadata(of.id, name, namespace), spec }),
    draft(stream, 'volume.placed', { node, pool }),
    draft(stream, 'volume.provisioned', { dataset: of.dataset, path: of.path }),
    draft(stream, 'volume.discarded', { name, purgeAt: resync.purgeAt }),
  ];
}
