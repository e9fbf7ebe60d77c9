import { streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import type { VolumeSpec } from '#events/volume.ts';
import type { ActorState } from '../actor.ts';
import type { Decisions } from '../commands.ts';
import {
  draft,
  drafts,
  nameTaken,
  newMetadata,
  relabelled,
  startOperation,
  unchanged,
  withNamed,
  withVisit,
} from '../drafting.ts';
import { namespaceExists, noNamespace } from '../namespace/decide.ts';
import { promisedTo, refuseGrowth, refuseNew, refuseTooLarge } from '../placement/capacity.ts';
import { refuseConstraints } from '../placement/constraints.ts';
import { choose } from '../placement/choose.ts';
import { reject } from '../rejection.ts';
import { requestSnapshot } from '../snapshot/request.ts';
import { userOf } from './actor.ts';
import { adoptionDecisions } from './adoption.ts';
import { beingCloned, needless } from './clones.ts';
import type { volumeCommands } from './commands.ts';
import { deletionOf, discardOf, goneWith, halfRolledBack, inUse, refuseAdopted, refuseScrub } from './deletion.ts';
import { handoverDecisions, handoverUnderWay } from './handover.ts';
import { lookDecisions } from './looks.ts';
import { vacated } from './loss.ts';
import { isLost } from './volume.ts';
import { moveDecisions } from './moving.ts';
import { pausedFor } from './pausing.ts';
import { rollbackDecisions } from './rollback.ts';
import { govern, reported, write } from './scopes.ts';
import { refuseReplicas } from './replicating.ts';
import { changedSpec, fixedOf, isSameSpec, isSameValue, misplacedBy, refuseGrowTo } from './spec.ts';

export const volumeDecisions: Decisions<keyof typeof volumeCommands> = {
  ...adoptionDecisions,
  ...moveDecisions,
  ...handoverDecisions,
  ...rollbackDecisions,
  ...lookDecisions,

  'create-volume': {
    scope: write,
    decide: (ask, lab) => {
      const { namespace, name, spec, labels } = ask.input;
      if (!namespaceExists(lab, namespace)) return noNamespace(namespace);
      const known = lab.byName('volume', namespace, name);
      const free = vacated(namespace, name, lab);
      if ('rejected' in free) return free;
      if (known && free.drafts.length === 0)
        return isAsAsked(known, spec, labels) ? unchanged : nameTaken('volume', name);
      const stream = streamOf('volume', ask.id(1));
      return (
        refuseGrowTo(name, spec) ??
        refuseReplicas(name, spec) ??
        refuseConstraints(`volume ${name}`, [spec], lab) ??
        refuseTooLarge(`volume ${name}`, [promisedTo(spec)], lab) ??
        drafts(
          startOperation(ask, 'create-volume', stream, name, namespace),
          free.drafts,
          draft(stream, 'volume.created', { metadata: newMetadata(ask.id(1), name, namespace, labels), spec }),
        )
      );
    },
  },

  'clone-volume': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'volume', ask.input, (parent) => {
        const { namespace, name, as, snapshot: wanted, labels } = ask.input;
        const { node, pool, spec: of } = parent.context;
        const free = vacated(namespace, as, lab);
        if ('rejected' in free) return free;
        if (lab.byName('volume', namespace, as) && free.drafts.length === 0) return nameTaken('volume', as);
        const known = lab
          .referrers(parent.stream, 'snapshot')
          .find(({ state, context }) => state === 'available' && context.metadata.name === wanted);
        if (wanted !== undefined && !known) return noSnapshot(name, wanted, 'to clone');
        if (node === null || pool === null || (!known && parent.state !== 'ready'))
          return reject('NOT_NOW', `Volume ${name} is ${parent.state}.`, 'Clone it when it is ready.');
        const sizeBytes = ask.input.sizeBytes ?? of.sizeBytes;
        if (sizeBytes < of.sizeBytes)
          return reject('SHRINKING', `A clone of ${name} cannot be smaller than ${name} is.`, 'Leave the size out.');
        const spec = { ...of, sizeBytes };
        const tooLarge = refuseNew(`volume ${as}`, promisedTo(spec), { node, pool }, lab);
        if (tooLarge) return tooLarge;
        const stream = streamOf('volume', ask.id(1));
        const taken = known ? undefined : requestSnapshot(parent, ask.id(2), ask.now, 'clone', lab);
        const snapshot = (known?.stream ?? taken?.stream) as StreamId<'snapshot'>;
        return drafts(
          startOperation(ask, 'clone-volume', stream, as, namespace),
          free.drafts,
          taken ?? [],
          draft(stream, 'volume.created', {
            metadata: newMetadata(ask.id(1), as, namespace, labels),
            spec,
            origin: { volume: parent.stream, snapshot },
          }),
          known ? draft(stream, 'volume.placed', { node, pool }) : [],
        );
      }),
  },

  'place-volume': {
    scope: govern,
    decide: ({ input }, lab) => {
      const spec = lab.get(input.volume)?.context.spec;
      // In this very pool, whichever may be the roomiest by now.
      const constraints = { ...spec?.constraints, pool: input.pool };
      const isElsewhere = (spec?.constraints?.pool ?? input.pool) !== input.pool;
      const needs = [{ ...spec, bytes: spec ? promisedTo(spec) : 0, constraints }];
      const { candidates } = choose(lab, { needs, only: [input.node] });
      const chosen = candidates.find(({ node }) => node === input.node);
      const refused = chosen ? chosen.refused : 'is not there';
      if (isElsewhere) return reject('NOT_NOW', `It may not be in pool ${input.pool}.`);
      if (refused !== undefined) return reject('NOT_NOW', `Node ${chosen?.name ?? input.node} ${refused}.`);
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
        const spec = changedSpec(volume.context.spec, ask.input);
        if (isSameSpec(spec, volume.context.spec)) return unchanged;
        if (volume.context.handover !== null) return handoverUnderWay(volume);
        const isUnplaced = volume.state === 'unplaced';
        const misplaced = isUnplaced
          ? refuseConstraints(`volume ${ask.input.name}`, [spec], lab)
          : (fixedOf(volume, spec) ?? misplacedBy(volume, spec, lab));
        if (misplaced) return misplaced;
        const tooNear = ask.input.growToBytes === undefined ? undefined : refuseGrowTo(ask.input.name, spec);
        if (tooNear) return tooNear;
        const untimely = ask.input.replicas ? refuseReplicas(ask.input.name, spec) : undefined;
        if (untimely) return untimely;
        if (spec.sizeBytes < volume.context.spec.sizeBytes) {
          return reject(
            'SHRINKING',
            `Volume ${ask.input.name} cannot become smaller.`,
            'Create a smaller volume and copy the data.',
          );
        }
        const what = `volume ${ask.input.name}`;
        const tooLarge = isUnplaced
          ? refuseTooLarge(what, [promisedTo(spec)], lab)
          : refuseGrowth(what, [{ volume, spec }], lab);
        if (tooLarge) return tooLarge;
        return drafts(
          // Before it has a place there is nothing to wait for: it is made as it is wanted by then.
          isUnplaced ? [] : startOperation(ask, 'change-volume', volume.stream, ask.input.name, ask.input.namespace),
          draft(volume.stream, 'volume.spec-changed', { spec }),
        );
      }),
  },

  'label-volume': {
    scope: write,
    decide: ({ input }, lab) =>
      withNamed(lab, 'volume', input, ({ stream, context }) => {
        const labels = relabelled(context.metadata.labels, input.labels);
        return labels ? drafts(draft(stream, 'volume.relabelled', { labels })) : unchanged;
      }),
  },

  'rename-volume': {
    scope: write,
    decide: ({ input }, lab) =>
      withNamed(lab, 'volume', input, (volume) => {
        if (input.to === input.name) return unchanged;
        const free = vacated(input.namespace, input.to, lab);
        if ('rejected' in free) return free;
        if (lab.byName('volume', input.namespace, input.to) && free.drafts.length === 0)
          return nameTaken('volume', input.to);
        return drafts(free.drafts, draft(volume.stream, 'volume.renamed', { name: input.to }));
      }),
  },

  /** Nobody uses it any more: what waits for that may begin. */
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
        const hasTrouble = ['failed', 'missing'].includes(volume.state) || volume.context.drift !== null;
        if (!hasTrouble) return unchanged;
        if (isLost(volume.context)) {
          const { message, hint } = volume.context.problem ?? { message: `Volume ${ask.input.name} was lost.` };
          return reject('NOT_NOW', `${message} There is nothing to try again.`, hint);
        }
        // Trying again to delete is deleting: an app may have come to use it meanwhile.
        const refused = volume.context.failedIn === 'deleting' ? inUse(volume, lab) : undefined;
        if (refused) return refused;
        const origin = volume.context.failedIn === 'cloning' ? volume.context.origin : null;
        if (origin && lab.get(origin.snapshot)?.state !== 'available') {
          return reject(
            'NOT_NOW',
            `What volume ${ask.input.name} was to begin with is gone.`,
            `Delete it (floatlab volume rm ${ask.input.name}), and clone again.`,
          );
        }
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
        const { name, namespace, purge, scrub, keepForMs } = ask.input;
        const refused =
          refuseAdopted(volume) ??
          inUse(volume, lab) ??
          beingCloned(volume, lab) ??
          (scrub ? refuseScrub(volume, lab) : undefined);
        if (refused) return refused;
        const isForEver = purge || scrub;
        if (volume.state === 'discarded' && !isForEver) return unchanged;
        return drafts(
          startOperation(ask, 'delete-volume', volume.stream, name, namespace),
          isForEver ? deletionOf(volume, lab, scrub) : discardOf(volume, lab, ask.now + keepForMs),
        );
      }),
  },

  'recover-volume': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'volume', ask.input, (volume) => {
        const { name, namespace, as } = ask.input;
        const { discarded } = volume.context;
        if (!discarded) return unchanged;
        const wanted = as ?? discarded.name;
        const free = wanted === name ? { drafts: [] } : vacated(namespace, wanted, lab);
        if ('rejected' in free) return free;
        if (wanted !== name && lab.byName('volume', namespace, wanted) && free.drafts.length === 0) {
          if (as !== undefined) return nameTaken('volume', as);
          return reject(
            'NAME_TAKEN',
            `Volume ${name} was called ${wanted}, and by now there is another volume ${wanted}.`,
            `Give it another name: floatlab volume recover ${name} --as NAME.`,
          );
        }
        return drafts(
          startOperation(ask, 'recover-volume', volume.stream, wanted, namespace),
          free.drafts,
          draft(volume.stream, 'volume.recovered', { name: wanted }),
        );
      }),
  },

  /** Nobody wanted it back in time. */
  'purge-volume': {
    scope: govern,
    decide: ({ input, now }, lab) => {
      const volume = lab.get(input.volume);
      const purgeAt = volume?.context.discarded?.purgeAt;
      if (volume?.state !== 'discarded' || purgeAt === undefined || now < purgeAt) return unchanged;
      return halfRolledBack(volume) ?? drafts(deletionOf(volume, lab));
    },
  },

  'report-volume-provisioned': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.volume, input.visit, (volume) =>
        drafts(
          draft(input.volume, 'volume.provisioned', { dataset: input.dataset, path: input.path }),
          volume.state === 'cloning' ? needless(volume, lab) : [],
        ),
      ),
  },

  'report-volume-held': {
    scope: reported,
    decide: ({ input: { volume, visit, problem } }, lab) =>
      withVisit(lab, volume, visit, ({ state, context: { delay } }) => {
        const isEnding = state === 'deleting' || state === 'releasing';
        const isKnown = delay?.code === problem.code && delay.message === problem.message;
        return isEnding && !isKnown ? drafts(draft(volume, 'volume.delayed', { problem, lasts: true })) : unchanged;
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
      withVisit(lab, input.volume, input.visit, ({ state }) =>
        drafts(
          state === 'changing' && isLoss(input.problem)
            ? draft(input.volume, 'volume.found-wrong', { problem: input.problem, isGone: true })
            : draft(input.volume, 'volume.failed', { problem: input.problem }),
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

const noSnapshot = (volume: string, snapshot: string, what: string) =>
  reject(
    'NOT_FOUND',
    `Volume ${volume} has no snapshot ${snapshot} ${what}.`,
    `floatlab volume snapshots ${volume} shows what there is.`,
  );

/** Asked for once more in the same words: it is so already. */
const isAsAsked = (
  { state, context }: ActorState<'volume'>,
  spec: VolumeSpec,
  labels: Readonly<Record<string, string>>,
): boolean =>
  state !== 'discarded' &&
  context.app === null &&
  context.origin === null &&
  context.adopted === null &&
  isSameSpec(spec, context.spec) &&
  isSameValue(labels, context.metadata.labels);

/** Its data cannot be reached, and may be back. */
const isLoss = ({ code }: { readonly code: string }): boolean => code === 'MISSING' || code === 'DAMAGED';
