import type { EventOf, Index, LabEvent, StreamId } from '#events/envelope.ts';
import type { Metadata, Problem } from '#events/values/metadata.ts';
import type { Fill, VolumeSpec } from '#events/volume.ts';
import { assign, setup } from 'xstate';
import type { WorkName } from '../work.ts';

/**
 * The life of a volume.
 *
 *   unplaced → creating → ready ⇄ resizing
 *                 │         ├→ draining → rolling-back → ready     draining: until no instance uses it
 *                 ▼         ▼
 *               failed   deleting → deleted
 *
 * `failed` waits for a person and remembers in `failedIn` what to try again.
 */
export interface Volume {
  readonly metadata: Metadata;
  readonly spec: VolumeSpec;
  /** The app that it belongs to; null when it was kept after its app. */
  readonly app: StreamId<'app'> | null;
  /** Of a volume that was kept: the app that may have it again, and what its file calls it. */
  readonly formerly: { readonly app: string; readonly volume: string } | null;
  readonly node: StreamId<'node'> | null;
  readonly pool: string | null;
  /** Index of the placement: whoever holds an older one is refused. */
  readonly epoch: Index | null;
  readonly dataset: string | null;
  readonly path: string | null;
  readonly problem: Problem | null;
  /** Why it has no place yet, since when, and whether that lasts. */
  readonly delay: Problem | null;
  readonly delayedAt: number | null;
  readonly delayLasts: boolean;
  /** What it held when it began to be too full; null when it is not. */
  readonly full: Fill | null;
  readonly failedIn: 'creating' | 'resizing' | 'rolling-back' | 'deleting' | null;
  /** The snapshot to go back to, and the name under which what is there now is kept. */
  readonly rollback: { readonly to: StreamId<'snapshot'>; readonly stash: string } | null;
}

export const volumeMachine = setup({
  types: {} as {
    context: Volume;
    input: EventOf<'volume.created'>;
    events: Extract<LabEvent, { type: `volume.${string}` }>;
    meta: { work: WorkName };
  },
  guards: {
    isOtherSize: ({ context, event }) =>
      event.type === 'volume.spec-changed' && event.data.spec.sizeBytes !== context.spec.sizeBytes,
  },
}).createMachine({
  id: 'volume',
  context: ({ input: { data } }) => ({
    metadata: data.metadata,
    spec: data.spec,
    app: data.app ?? null,
    formerly: null,
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
    rollback: null,
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
  },
  states: {
    unplaced: {
      on: {
        'volume.spec-changed': { actions: assign(({ event }) => ({ spec: event.data.spec })) },
        'volume.delayed': {
          actions: assign(({ context, event }) => ({
            delay: event.data.problem,
            delayedAt: context.delayedAt ?? event.at,
            delayLasts: event.data.lasts,
          })),
        },
        'volume.placed': {
          target: 'creating',
          actions: assign(({ event }) => ({
            node: event.data.node,
            pool: event.data.pool,
            epoch: event.index,
            delay: null,
            delayedAt: null,
            delayLasts: false,
          })),
        },
        'volume.deleted': 'deleted',
      },
    },
    creating: {
      meta: { work: 'create-dataset' },
      on: {
        'volume.provisioned': {
          target: 'ready',
          actions: assign(({ event }) => ({ dataset: event.data.dataset, path: event.data.path })),
        },
        'volume.failed': {
          target: 'failed',
          actions: assign(({ event }) => ({ problem: event.data.problem, failedIn: 'creating' as const })),
        },
        'volume.deletion-requested': 'deleting',
      },
    },
    ready: {
      on: {
        'volume.spec-changed': [
          { guard: 'isOtherSize', target: 'resizing', actions: assign(({ event }) => ({ spec: event.data.spec })) },
          { actions: assign(({ event }) => ({ spec: event.data.spec })) },
        ],
        'volume.rollback-requested': {
          target: 'draining',
          actions: assign(({ event }) => ({ rollback: { to: event.data.snapshot, stash: event.data.stash } })),
        },
        'volume.deletion-requested': 'deleting',
      },
    },
    resizing: {
      meta: { work: 'create-dataset' },
      on: {
        'volume.provisioned': { target: 'ready', actions: assign(({ event }) => ({ path: event.data.path })) },
        'volume.failed': {
          target: 'failed',
          actions: assign(({ event }) => ({ problem: event.data.problem, failedIn: 'resizing' as const })),
        },
      },
    },
    draining: {
      on: { 'volume.drained': 'rolling-back' },
    },
    'rolling-back': {
      meta: { work: 'rollback-dataset' },
      on: {
        'volume.rolled-back': { target: 'ready', actions: assign({ rollback: null }) },
        'volume.failed': {
          target: 'failed',
          actions: assign(({ event }) => ({ problem: event.data.problem, failedIn: 'rolling-back' as const })),
        },
      },
    },
    failed: {
      on: {
        'volume.retried': [
          {
            guard: ({ context }) => context.failedIn === 'creating',
            target: 'creating',
            actions: assign({ problem: null }),
          },
          {
            guard: ({ context }) => context.failedIn === 'resizing',
            target: 'resizing',
            actions: assign({ problem: null }),
          },
          {
            guard: ({ context }) => context.failedIn === 'rolling-back',
            target: 'rolling-back',
            actions: assign({ problem: null }),
          },
          {
            guard: ({ context }) => context.failedIn === 'deleting',
            target: 'deleting',
            actions: assign({ problem: null }),
          },
        ],
        'volume.deletion-requested': 'deleting',
      },
    },
    deleting: {
      meta: { work: 'destroy-dataset' },
      on: {
        'volume.deleted': 'deleted',
        'volume.failed': {
          target: 'failed',
          actions: assign(({ event }) => ({ problem: event.data.problem, failedIn: 'deleting' as const })),
        },
      },
    },
    deleted: { type: 'final' },
  },
});
