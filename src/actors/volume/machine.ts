import type { EventOf, LabEvent } from '#events/envelope.ts';
import type { VolumeSpec } from '#events/volume.ts';
import { assign, setup } from 'xstate';
import type { WorkName } from '../work.ts';
import { firstLineage, opened } from './lineage.ts';
import { failedWithData, isLost, type Volume } from './volume.ts';

/** What its node has to make so: a change of these is work. */
const made = ({ sizeBytes, owner, mode }: VolumeSpec): string => JSON.stringify([sizeBytes, owner, mode]);

/**
 * The life of a volume.
 *
 *            ┌→ cloning ──┐
 *   unplaced ┼→ adopting ─┤
 *            └→ creating ─┴→ ready ⇄ changing
 *                             ├→ draining → rolling-back → ready            draining: until no instance uses it
 *                             │      └─────────→ ready                      called off
 *                             ├→ copying → draining → moving → ready        into another dataset
 *                             ├→ draining → demoting → sending → sealing → promoting → ready    to another node (handover.ts);
 *                             │                 └─────────┴──→ taking-back → ready              not after all;
 *                             │                                                                 of several: sealing → sealed → promoting
 *                             ├→ importing → ready                         from an archive
 *                             ├→ missing → ready                            as its node finds it
 *                             ├→ discarded → changing                       kept for a while, and can be recovered;
 *                             │                                             of one whose roll-back failed: → rolling-back
 *                             ├→ releasing → released                       of one that was adopted
 *                             ▼      ▼
 *                            deleting → deleted
 *
 * A move that cannot be done leaves the volume as it was; so does a roll-back of which its node has found that nothing
 * happened. Where that cannot be told the roll-back has failed: it is tried again, or canceled, which lets the node look
 * once more and bring to its end only what was begun. Whatever else works may end in `failed`, which waits for a
 * person and remembers in `failedIn` what to try again. A volume whose pool is gone for good is `failed`, too, from
 * wherever it was: it is nowhere then, so that it asks no node for anything and takes no room.
 */
export const volumeMachine = setup({
  types: {} as {
    context: Volume;
    input: EventOf<'volume.created'>;
    events: Extract<LabEvent, { type: `volume.${string}` }>;
    meta: { work: WorkName };
  },
  guards: {
    isWork: ({ context, event }) =>
      event.type === 'volume.spec-changed' && made(event.data.spec) !== made(context.spec),
    isClone: ({ context }) => context.origin !== null,
    isAdoption: ({ context }) => context.adopted !== null,
    moves: ({ context }) => context.move !== null,
    isHandedOver: ({ context }) => context.handover !== null,
    isNotHandedOver: ({ context }) => context.handover === null,
    hasDrifted: ({ context }) => context.drift !== null,
    isGone: ({ event }) => event.type === 'volume.found-wrong' && event.data.isGone,
    failedInAdopting: ({ context }) => context.failedIn === 'adopting',
    failedInReleasing: ({ context }) => context.failedIn === 'releasing',
    failedInCreating: ({ context }) => context.failedIn === 'creating',
    failedInCloning: ({ context }) => context.failedIn === 'cloning',
    failedInChanging: ({ context }) => context.failedIn === 'changing',
    failedInRollingBack: ({ context }) => context.failedIn === 'rolling-back',
    failedInTakingBack: ({ context }) => context.failedIn === 'taking-back',
    failedInDeleting: ({ context }) => context.failedIn === 'deleting',
    /** It has data that somebody could want back. */
    hasData: ({ context }) => failedWithData(context),
    isRollingBack: ({ context }) => context.rollback !== null,
    hasPlace: ({ context }) => context.pool !== null,
    isLost: ({ context }) => isLost(context),
  },
  actions: {
    place: assign(({ event }) =>
      event.type === 'volume.placed'
        ? {
            node: event.data.node,
            pool: event.data.pool,
            epoch: event.index,
            delay: null,
            delayedAt: null,
            delayLasts: false,
          }
        : {},
    ),
    provide: assign(({ event }) =>
      event.type === 'volume.provisioned'
        ? { dataset: event.data.dataset, path: event.data.path, problem: null, drift: null }
        : {},
    ),
    delay: assign(({ context, event }) =>
      event.type === 'volume.delayed'
        ? { delay: event.data.problem, delayedAt: context.delayedAt ?? event.at, delayLasts: event.data.lasts }
        : {},
    ),
    specify: assign(({ event }) => (event.type === 'volume.spec-changed' ? { spec: event.data.spec } : {})),
    fail: assign(({ event }, { failedIn }: { failedIn: Volume['failedIn'] }) =>
      event.type === 'volume.failed'
        ? { problem: event.data.problem, failedIn, delay: null, delayedAt: null, delayLasts: false }
        : {},
    ),
    discard: assign(({ context, event }) =>
      event.type === 'volume.discarded'
        ? {
            metadata: { ...context.metadata, name: event.data.name },
            discarded: { name: context.metadata.name, purgeAt: event.data.purgeAt },
            problem: null,
            failedIn: null,
            handover: null,
            // A roll-back that failed may have been done in part: what it has put aside is known by nothing else.
            drift: null,
          }
        : {},
    ),
    recover: assign(({ context, event }) =>
      event.type === 'volume.recovered'
        ? { metadata: { ...context.metadata, name: event.data.name }, discarded: null }
        : {},
    ),
    delete: assign(({ event }) =>
      event.type === 'volume.deletion-requested' ? { scrub: event.data.scrub ?? false } : {},
    ),
    vanish: assign(({ event }) =>
      event.type === 'volume.lost'
        ? {
            ...{ problem: event.data.problem, failedIn: 'lost' as const, drift: null, full: null },
            ...{ node: null, pool: null, epoch: null, dataset: null, path: null },
            ...{ move: null, handover: null, rollback: null, discarded: null },
            ...{ delay: null, delayedAt: null, delayLasts: false },
          }
        : {},
    ),
    forget: assign({ problem: null }),
    /** It stands in the history, and changes nothing. */
    note: () => {},
    lose: assign(({ event }) =>
      event.type === 'volume.found-wrong' ? { problem: event.data.problem, drift: null } : {},
    ),
    drift: assign(({ event }) => (event.type === 'volume.found-wrong' ? { drift: event.data.problem } : {})),
    stay: assign({ move: null }),
    settle: assign(({ context, event }) =>
      event.type === 'volume.moved' && context.move
        ? {
            pool: context.move.pool,
            dataset: context.move.dataset,
            path: event.data.path,
            spec: context.move.spec,
            move: null,
            // What was adopted stays behind.
            adopted: null,
            drift: null,
            full: null,
          }
        : {},
    ),
    /** What comes next is done under the epoch of this event. */
    step: assign(({ context, event }) =>
      context.handover === null ? {} : { handover: { ...context.handover, epoch: event.index } },
    ),
    keepFinal: assign(({ context, event }) =>
      context.handover === null || event.type !== 'volume.demoted'
        ? {}
        : { handover: { ...context.handover, snapshot: event.data.snapshot } },
    ),
    stayHere: assign({ handover: null }),
    arrive: assign(({ context, event }) => {
      if (event.type !== 'volume.handed-over') return {};
      const { node, pool, dataset, path } = event.data;
      const { spec, handover, epoch } = context;
      // Whoever said where it goes has said where it may be.
      const constraints = spec.constraints?.pool === undefined ? {} : { constraints: { ...spec.constraints, pool } };
      return {
        ...{ node, pool, dataset, path, epoch: handover?.epoch ?? epoch, spec: { ...spec, ...constraints } },
        ...{ handover: null, drift: null, full: null },
      };
    }),
    takeBack: assign(({ context, event }) =>
      event.type === 'volume.taken-back'
        ? {
            path: event.data.path,
            epoch: context.handover?.epoch ?? context.epoch,
            ...{ handover: null, problem: null, failedIn: null, drift: null },
          }
        : {},
    ),
    branch: assign(({ context, event }) =>
      event.type === 'volume.rolled-back'
        ? { rollback: null, lineages: opened(context.lineages, event.data.from, event.at), drift: null }
        : {},
    ),
    keepPresent: assign({ rollback: null }),
    cancelRollback: assign(({ context: { rollback } }) =>
      rollback === null ? {} : { rollback: { ...rollback, isCanceled: true } },
    ),
  },
}).createMachine({
  id: 'volume',
  context: ({ input: { data } }) => ({
    metadata: data.metadata,
    spec: data.spec,
    app: data.app ?? null,
    formerly: data.formerly ?? null,
    node: null,
    pool: null,
    epoch: null,
    dataset: null,
    path: null,
    problem: null,
    delay: null,
    delayedAt: null,
    delayLasts: false,
    full: null,
    failedIn: null,
    origin: data.origin ?? null,
    adopted: data.adopts ?? null,
    move: null,
    handover: null,
    drift: null,
    lineages: data.lineages ?? firstLineage,
    rollback: null,
    discarded: null,
    scrub: false,
  }),
  initial: 'unplaced',
  on: {
    'volume.attached': {
      guard: ({ context }) => context.app === null,
      actions: assign(({ event }) => ({ app: event.data.app, formerly: null })),
    },
    'volume.detached': {
      guard: ({ context }) => context.app !== null,
      actions: assign(({ event }) => ({ app: null, formerly: event.data.of ?? null })),
    },
    'volume.filled': {
      guard: ({ context }) => context.full === null,
      actions: assign(({ event }) => ({ full: event.data })),
    },
    'volume.eased': { guard: ({ context }) => context.full !== null, actions: assign({ full: null }) },
    'volume.renamed': {
      actions: assign(({ context, event }) => ({ metadata: { ...context.metadata, name: event.data.name } })),
    },
    'volume.relabelled': {
      actions: assign(({ context, event }) => ({ metadata: { ...context.metadata, labels: event.data.labels } })),
    },
    'volume.lost': { guard: 'hasPlace', target: '.failed', actions: 'vanish' },
    'volume.files-restored': { actions: 'note' },
    'volume.exported': { actions: 'note' },
    'volume.snapshots-lost': { actions: 'note' },
  },
  states: {
    unplaced: {
      on: {
        'volume.spec-changed': { actions: 'specify' },
        'volume.delayed': { actions: 'delay' },
        'volume.placed': [
          { guard: 'isClone', target: 'cloning', actions: 'place' },
          { guard: 'isAdoption', target: 'adopting', actions: 'place' },
          { target: 'creating', actions: 'place' },
        ],
        'volume.deleted': 'deleted',
      },
    },
    creating: {
      meta: { work: 'create-dataset' },
      on: {
        'volume.provisioned': { target: 'ready', actions: 'provide' },
        'volume.failed': { target: 'failed', actions: { type: 'fail', params: { failedIn: 'creating' } } },
        'volume.deletion-requested': { target: 'deleting', actions: 'delete' },
      },
    },
    cloning: {
      meta: { work: 'clone-dataset' },
      on: {
        'volume.provisioned': { target: 'ready', actions: 'provide' },
        'volume.failed': { target: 'failed', actions: { type: 'fail', params: { failedIn: 'cloning' } } },
        'volume.deletion-requested': { target: 'deleting', actions: 'delete' },
      },
    },
    adopting: {
      meta: { work: 'adopt-dataset' },
      on: {
        'volume.provisioned': { target: 'ready', actions: 'provide' },
        'volume.failed': { target: 'failed', actions: { type: 'fail', params: { failedIn: 'adopting' } } },
      },
    },
    ready: {
      on: {
        'volume.spec-changed': [{ guard: 'isWork', target: 'changing', actions: 'specify' }, { actions: 'specify' }],
        'volume.rollback-requested': {
          target: 'draining',
          actions: assign(({ event }) => ({
            rollback: { to: event.data.snapshot, stash: event.data.stash, isCanceled: false },
          })),
        },
        'volume.import-began': 'importing',
        'volume.handover-requested': {
          guard: 'isNotHandedOver',
          actions: assign(({ event: { data, at } }) => ({
            handover: { ...data, requestedAt: at, final: null, snapshot: null, epoch: null },
          })),
        },
        'volume.handover-began': {
          guard: 'isHandedOver',
          target: 'draining',
          actions: assign(({ context, event }) =>
            context.handover === null ? {} : { handover: { ...context.handover, final: event.data.final } },
          ),
        },
        'volume.handover-abandoned': { guard: 'isHandedOver', actions: 'stayHere' },
        'volume.move-requested': { target: 'copying', actions: assign(({ event }) => ({ move: event.data })) },
        'volume.found-wrong': [{ guard: 'isGone', target: 'missing', actions: 'lose' }, { actions: 'drift' }],
        'volume.found-well': { guard: 'hasDrifted', actions: assign({ drift: null }) },
        'volume.retried': { guard: 'hasDrifted', target: 'changing' },
        'volume.release-requested': { guard: 'isAdoption', target: 'releasing' },
        'volume.discarded': { target: 'discarded', actions: 'discard' },
        'volume.deletion-requested': { target: 'deleting', actions: 'delete' },
      },
    },
    // Until its content has come out of an archive: the work is the transfer's.
    importing: { on: { 'volume.imported': 'ready', 'volume.import-failed': 'ready' } },
    copying: {
      meta: { work: 'copy-dataset' },
      on: {
        'volume.copied': 'draining',
        'volume.move-abandoned': { target: 'ready', actions: 'stay' },
      },
    },
    moving: {
      meta: { work: 'move-dataset' },
      on: {
        'volume.moved': { target: 'ready', actions: 'settle' },
        'volume.move-abandoned': { target: 'ready', actions: 'stay' },
      },
    },
    demoting: {
      meta: { work: 'demote-dataset' },
      on: {
        'volume.demoted': { target: 'sending', actions: 'keepFinal' },
        'volume.handover-abandoned': { target: 'taking-back', actions: 'step' },
      },
    },
    // Until the replica has the rest: the work is the replica's.
    sending: {
      on: {
        'volume.handover-sent': { target: 'sealing', actions: 'step' },
        'volume.handover-abandoned': { target: 'taking-back', actions: 'step' },
      },
    },
    sealing: {
      meta: { work: 'seal-replica' },
      on: {
        'volume.promotion-decided': { target: 'promoting', actions: 'step' },
        'volume.handover-sealed': 'sealed',
        'volume.handover-abandoned': { target: 'taking-back', actions: 'step' },
      },
    },
    // Until the other volumes of its app are as far: they are promoted together, or not at all.
    sealed: {
      on: {
        'volume.promotion-decided': { target: 'promoting', actions: 'step' },
        'volume.handover-abandoned': { target: 'taking-back', actions: 'step' },
      },
    },
    promoting: {
      meta: { work: 'promote-replica' },
      on: {
        'volume.handed-over': { target: 'ready', actions: 'arrive' },
        // Only when the node or the pool that it goes to is gone for good: nothing has run there.
        'volume.handover-abandoned': { target: 'taking-back', actions: 'step' },
      },
    },
    'taking-back': {
      meta: { work: 'take-back-dataset' },
      on: {
        'volume.taken-back': { target: 'ready', actions: 'takeBack' },
        'volume.failed': { target: 'failed', actions: { type: 'fail', params: { failedIn: 'taking-back' } } },
      },
    },
    missing: {
      on: {
        'volume.handover-abandoned': { guard: 'isHandedOver', actions: 'stayHere' },
        'volume.found-well': { target: 'ready', actions: 'forget' },
        'volume.found-wrong': [
          { guard: 'isGone', actions: 'lose' },
          // It is back, and not as it was.
          { target: 'ready', actions: ['forget', 'drift'] },
        ],
        // Looked for at once, and nothing is made in its place.
        'volume.retried': { target: 'changing', actions: 'forget' },
        'volume.release-requested': { guard: 'isAdoption', target: 'releasing', actions: 'forget' },
        'volume.discarded': { target: 'discarded', actions: 'discard' },
        'volume.deletion-requested': { target: 'deleting', actions: 'delete' },
      },
    },
    changing: {
      meta: { work: 'create-dataset' },
      on: {
        'volume.provisioned': { target: 'ready', actions: 'provide' },
        'volume.found-wrong': { guard: 'isGone', target: 'missing', actions: 'lose' },
        'volume.failed': { target: 'failed', actions: { type: 'fail', params: { failedIn: 'changing' } } },
      },
    },
    draining: {
      on: {
        'volume.drained': [
          { guard: 'moves', target: 'moving' },
          { guard: 'isHandedOver', target: 'demoting', actions: 'step' },
          { target: 'rolling-back' },
        ],
        'volume.handover-abandoned': { guard: 'isHandedOver', target: 'ready', actions: 'stayHere' },
        'volume.move-abandoned': { guard: 'moves', target: 'ready', actions: 'stay' },
        'volume.rollback-abandoned': { guard: 'isRollingBack', target: 'ready', actions: 'keepPresent' },
      },
    },
    'rolling-back': {
      meta: { work: 'rollback-dataset' },
      on: {
        'volume.rolled-back': { target: 'ready', actions: 'branch' },
        'volume.rollback-abandoned': { target: 'ready', actions: 'keepPresent' },
        'volume.failed': { target: 'failed', actions: { type: 'fail', params: { failedIn: 'rolling-back' } } },
      },
    },
    discarded: {
      on: {
        'volume.recovered': [
          // What was begun is finished first: the lab hears then what the roll-back has put aside.
          { guard: 'isRollingBack', target: 'rolling-back', actions: 'recover' },
          // What it should be like is made so again: its node looks whether everything is there.
          { target: 'changing', actions: 'recover' },
        ],
        'volume.deletion-requested': { target: 'deleting', actions: 'delete' },
        'volume.release-requested': { guard: 'isAdoption', target: 'releasing' },
      },
    },
    failed: {
      on: {
        'volume.retried': [
          { guard: 'failedInCreating', target: 'creating', actions: 'forget' },
          { guard: 'failedInCloning', target: 'cloning', actions: 'forget' },
          { guard: 'failedInAdopting', target: 'adopting', actions: 'forget' },
          { guard: 'failedInReleasing', target: 'releasing', actions: 'forget' },
          { guard: 'failedInChanging', target: 'changing', actions: 'forget' },
          { guard: 'failedInRollingBack', target: 'rolling-back', actions: 'forget' },
          { guard: 'failedInTakingBack', target: 'taking-back', actions: 'forget' },
          { guard: 'failedInDeleting', target: 'deleting', actions: 'forget' },
        ],
        'volume.rollback-canceled': {
          guard: 'failedInRollingBack',
          target: 'rolling-back',
          actions: ['forget', 'cancelRollback'],
        },
        'volume.release-requested': { guard: 'isAdoption', target: 'releasing', actions: 'forget' },
        'volume.discarded': { guard: 'hasData', target: 'discarded', actions: 'discard' },
        'volume.deletion-requested': { target: 'deleting', actions: 'delete' },
        // No node has anything to do about it.
        'volume.deleted': { guard: 'isLost', target: 'deleted' },
        'volume.released': { guard: 'isLost', target: 'released' },
      },
    },
    deleting: {
      meta: { work: 'destroy-dataset' },
      on: {
        // Somebody still uses it, or holds a snapshot: it goes as soon as they let go.
        'volume.delayed': { actions: 'delay' },
        'volume.deleted': 'deleted',
        'volume.failed': { target: 'failed', actions: { type: 'fail', params: { failedIn: 'deleting' } } },
      },
    },
    releasing: {
      meta: { work: 'release-dataset' },
      on: {
        'volume.delayed': { actions: 'delay' },
        'volume.released': 'released',
        'volume.failed': { target: 'failed', actions: { type: 'fail', params: { failedIn: 'releasing' } } },
      },
    },
    deleted: { type: 'final' },
    released: { type: 'final' },
  },
});
