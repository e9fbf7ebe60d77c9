import { streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import type { ActorState, LabView } from '../actor.ts';
import type { Decisions } from '../commands.ts';
import { draft, drafts, nameTaken, newMetadata, startOperation, unchanged, withNamed, withVisit } from '../drafting.ts';
import { namespaceExists, noNamespace } from '../namespace/decide.ts';
import { refuseGrowth, refuseTooLarge } from '../placement/capacity.ts';
import { choose } from '../placement/choose.ts';
import { reject } from '../rejection.ts';
import { userOf } from './actor.ts';
import type { volumeCommands } from './commands.ts';

const write = ({ namespace }: { namespace: string }) => ({ verb: 'write', kind: 'volume', namespace }) as const;
const govern = () => ({ verb: 'govern', kind: 'volume' }) as const;
const reported = ({ volume }: { volume: `volume:${string}` }, lab: LabView) =>
  ({ verb: 'report', kind: 'volume', node: lab.get(volume)?.context.node ?? 'node:' }) as const;

/** States of an app in which it is stopped for a roll-back and started again after it. */
const pausable: readonly string[] = ['starting', 'running', 'degraded', 'updating', 'failed'];

/** Why a volume must not go: an app names it, or an instance still holds it. */
function inUse(volume: ActorState<'volume'>, lab: LabView): ReturnType<typeof reject> | undefined {
  const { name } = volume.context.metadata;
  const app = volume.context.app && lab.get(volume.context.app)?.context.metadata.name;
  if (app !== undefined && app !== null) {
    return reject(
      'VOLUME_IN_USE',
      `Volume ${name} is in use by app ${app}.`,
      `Remove the app first (floatlab down ${app}), or both (floatlab down ${app} --volumes).`,
    );
  }
  const user = userOf(volume.stream, lab)?.context.metadata.name;
  if (user === undefined) return undefined;
  return reject('VOLUME_IN_USE', `Volume ${name} is still in use by ${user}.`, 'Try again when it has stopped.');
}

/** Apps that wait for the volume to be rolled back; also one that no longer names it. */
const pausedFor = (volume: StreamId<'volume'>, lab: LabView): readonly StreamId<'app'>[] =>
  lab
    .referrers(volume, 'app')
    .filter(({ state, context }) => state === 'paused' && context.pausedFor === volume)
    .map(({ stream }) => stream);

/** A volume that goes takes its snapshots and schedules along. */
const goneWith = (volume: ActorState<'volume'>, lab: LabView): readonly AnyDraft[] => [
  ...lab.referrers(volume.stream, 'snapshot').map((snapshot) => draft(snapshot.stream, 'snapshot.removed', {})),
  ...lab.referrers(volume.stream, 'schedule').map((schedule) => draft(schedule.stream, 'schedule.removed', {})),
];

export const volumeDecisions: Decisions<keyof typeof volumeCommands> = {
  'create-volume': {
    scope: write,
    decide: (ask, lab) => {
      const { namespace, name, spec, labels } = ask.input;
      if (!namespaceExists(lab, namespace)) return noNamespace(namespace);
      if (lab.byName('volume', namespace, name)) return nameTaken('volume', name);
      const stream = streamOf('volume', ask.id(1));
      return (
        refuseTooLarge(`volume ${name}`, spec.sizeBytes, lab) ??
        drafts(
          startOperation(ask, 'create-volume', stream, name, namespace),
          draft(stream, 'volume.created', { metadata: newMetadata(ask.id(1), name, namespace, labels), spec }),
        )
      );
    },
  },

  'place-volume': {
    scope: govern,
    decide: ({ input }, lab) => {
      const sizeBytes = lab.get(input.volume)?.context.spec.sizeBytes ?? 0;
      const { candidates } = choose(lab, { sizeBytes, needsPool: true, only: [input.node] });
      const chosen = candidates.find(({ node }) => node === input.node);
      if (chosen?.refused !== undefined || chosen?.pool !== input.pool) {
        return reject(
          'NOT_NOW',
          `Node ${chosen?.name ?? input.node} ${chosen?.refused ?? `has no pool ${input.pool}`}.`,
        );
      }
      return drafts(draft(input.volume, 'volume.placed', { node: input.node, pool: input.pool }));
    },
  },

  'delay-volume': {
    scope: govern,
    decide: ({ input: { volume, ...delay } }) => drafts(draft(volume, 'volume.delayed', delay)),
  },

  'note-volume-fill': {
    scope: govern,
    decide: ({ input: { volume, isFull, ...fill } }, lab) => {
      const known = lab.get(volume);
      if (!known || (known.context.full !== null) === isFull) return unchanged;
      return drafts(draft(volume, isFull ? 'volume.filled' : 'volume.eased', fill));
    },
  },

  'change-volume': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'volume', ask.input, (volume) => {
        const { name: _, namespace: __, ...changes } = ask.input;
        const spec = { ...volume.context.spec, ...changes };
        if (JSON.stringify(spec) === JSON.stringify(volume.context.spec)) return unchanged;
        if (spec.sizeBytes < volume.context.spec.sizeBytes) {
          return reject(
            'SHRINKING',
            `Volume ${ask.input.name} cannot become smaller.`,
            'Create a smaller volume and copy the data.',
          );
        }
        const { sizeBytes } = spec;
        const what = `volume ${ask.input.name}`;
        const tooLarge =
          volume.state === 'unplaced'
            ? refuseTooLarge(what, sizeBytes, lab)
            : refuseGrowth(what, [{ volume, sizeBytes }], lab);
        if (tooLarge) return tooLarge;
        return drafts(
          // Before it has a place there is nothing to wait for: it is made as it is wanted by then.
          volume.state === 'unplaced'
            ? []
            : startOperation(ask, 'change-volume', volume.stream, ask.input.name, ask.input.namespace),
          draft(volume.stream, 'volume.spec-changed', { spec }),
        );
      }),
  },

  'rollback-volume': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'volume', ask.input, (volume) => {
        const wanted = ask.input.snapshot;
        const snapshot = lab
          .referrers(volume.stream, 'snapshot')
          .find(({ context }) => context.metadata.name === wanted);
        if (snapshot?.state !== 'available') {
          return reject(
            'NOT_FOUND',
            `Volume ${ask.input.name} has no snapshot ${wanted} to go back to.`,
            `floatlab volume snapshots ${ask.input.name} shows what there is.`,
          );
        }
        const user = userOf(volume.stream, lab);
        const app = user && lab.get(user.context.app);
        const pauses = app && pausable.includes(app.state);
        return drafts(
          // Who asks wants the old content served again: it is done when the app runs on it.
          startOperation(
            ask,
            'rollback-volume',
            pauses ? app.stream : volume.stream,
            ask.input.name,
            ask.input.namespace,
          ),
          draft(volume.stream, 'volume.rollback-requested', { snapshot: snapshot.stream, stash: `stash-${ask.id(1)}` }),
          pauses ? draft(app.stream, 'app.paused', { for: volume.stream }) : [],
          user ? [] : draft(volume.stream, 'volume.drained', {}),
        );
      }),
  },

  /** Nobody uses it any more: the roll-back may begin. */
  'drain-volume': {
    scope: govern,
    decide: ({ input }, lab) => {
      const volume = lab.get(input.volume);
      if (volume?.state !== 'draining') return unchanged;
      if (userOf(input.volume, lab)) return reject('NOT_NOW', `${input.volume} is still in use.`);
      return drafts(draft(input.volume, 'volume.drained', {}));
    },
  },

  'retry-volume': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'volume', ask.input, (volume) => {
        if (volume.state !== 'failed') return unchanged;
        // Trying again to delete is deleting: an app may have come to use it meanwhile.
        const refused = volume.context.failedIn === 'deleting' ? inUse(volume, lab) : undefined;
        if (refused) return refused;
        return drafts(
          startOperation(ask, 'retry-volume', volume.stream, ask.input.name, ask.input.namespace),
          draft(volume.stream, 'volume.retried', {}),
        );
      }),
  },

  'delete-volume': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'volume', ask.input, (volume) => {
        const refused = inUse(volume, lab);
        if (refused) return refused;
        return drafts(
          startOperation(ask, 'delete-volume', volume.stream, ask.input.name, ask.input.namespace),
          deletionOf(volume, lab),
        );
      }),
  },

  'report-volume-provisioned': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.volume, input.visit, () =>
        drafts(draft(input.volume, 'volume.provisioned', { dataset: input.dataset, path: input.path })),
      ),
  },

  'report-volume-rolled-back': {
    scope: reported,
    decide: ({ input, id }, lab) =>
      withVisit(lab, input.volume, input.visit, (volume) => {
        const stash = streamOf('snapshot', id(0));
        return drafts(
          draft(input.volume, 'volume.rolled-back', {}),
          draft(stash, 'snapshot.requested', {
            metadata: newMetadata(id(0), input.stash.name, volume.context.metadata.namespace),
            volume: input.volume,
            reason: 'stash',
            note: 'what a roll-back replaced',
          }),
          draft(stash, 'snapshot.taken', { guid: input.stash.guid, takenAt: input.stash.takenAt }),
          pausedFor(input.volume, lab).map((app) => draft(app, 'app.resumed', {})),
        );
      }),
  },

  'report-volume-deleted': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.volume, input.visit, (volume) =>
        drafts(goneWith(volume, lab), draft(input.volume, 'volume.deleted', {})),
      ),
  },

  'report-volume-failed': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.volume, input.visit, () =>
        drafts(
          draft(input.volume, 'volume.failed', { problem: input.problem }),
          pausedFor(input.volume, lab).map((app) => draft(app, 'app.failed', { problem: input.problem })),
        ),
      ),
  },
};

/** Its app gives it up; only an app of the same name may have it again. */
export function detachmentOf({ stream }: ActorState<'volume'>, app: ActorState<'app'>): AnyDraft {
  const [key] = Object.entries(app.context.volumes).find(([, volume]) => volume === stream) ?? [];
  return draft(
    stream,
    'volume.detached',
    key === undefined ? {} : { of: { app: app.context.metadata.name, volume: key } },
  );
}

/** A volume that never had a dataset is gone at once; any other is destroyed by its node first. */
export const deletionOf = (volume: ActorState<'volume'>, lab: LabView): readonly AnyDraft[] =>
  volume.state === 'unplaced'
    ? [...goneWith(volume, lab), draft(volume.stream, 'volume.deleted', {})]
    : [draft(volume.stream, 'volume.deletion-requested', {})];
