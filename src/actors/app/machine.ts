import type { AppSpec } from '#events/app.ts';
import type { EventOf, LabEvent, StreamId } from '#events/envelope.ts';
import type { Metadata, Problem } from '#events/values/metadata.ts';
import { assign, setup } from 'xstate';

/**
 * The rollout of an app. What runs is an instance (an actor of its own); this is what the lab wants and how far it is.
 *
 *   stopped → starting → running ⇄ degraded
 *      ▲         │  ▲        │ ├→ updating (the old instance stops first) → running
 *      │         ▼  │        │ └→ paused (restart, or a volume that is rolled back) → starting
 *   stopping ← failed ◀──────┘
 *   removing → removed            from every state
 */
export interface App {
  readonly metadata: Metadata;
  readonly spec: AppSpec;
  readonly compose: string;
  readonly bundle: string;
  /** The files that came with this revision; null when nobody kept them. */
  readonly files: string | null;
  /** Volume of the lab for each volume of the specification. */
  readonly volumes: Readonly<Record<string, StreamId<'volume'>>>;
  readonly revision: number;
  readonly problem: Problem | null;
  /** The service that `problem` is about. */
  readonly failedService: string | null;
  /** Why it waits although it should run, since when, and whether that lasts. */
  readonly delay: Problem | null;
  readonly delayedAt: number | null;
  readonly delayLasts: boolean;
  readonly pausedFor: StreamId<'volume'> | 'restart' | null;
  /** Whether its volumes go with it, once it is being removed. */
  readonly removesVolumes: boolean;
}

const nothingWrong = {
  problem: null,
  failedService: null,
  delay: null,
  delayedAt: null,
  delayLasts: false,
  pausedFor: null,
} as const;

export const appMachine = setup({
  types: {} as {
    context: App;
    input: EventOf<'app.created'>;
    events: Extract<LabEvent, { type: `app.${string}` }>;
  },
  actions: {
    revise: assign(({ context, event }) =>
      event.type === 'app.updated' ? { ...event.data, ...nothingWrong, revision: context.revision + 1 } : {},
    ),
    fail: assign(({ event }) =>
      event.type === 'app.failed' || event.type === 'app.degraded'
        ? { ...nothingWrong, problem: event.data.problem, failedService: event.data.service ?? null }
        : {},
    ),
    clear: assign(nothingWrong),
    pause: assign(({ event }) => (event.type === 'app.paused' ? { ...nothingWrong, pausedFor: event.data.for } : {})),
    delay: assign(({ context, event }) =>
      event.type === 'app.delayed'
        ? {
            delay: event.data.problem,
            delayedAt: context.delayedAt ?? event.at,
            delayLasts: event.data.lasts,
          }
        : {},
    ),
  },
}).createMachine({
  id: 'app',
  context: ({ input: { data } }) => ({
    metadata: data.metadata,
    spec: data.spec,
    compose: data.compose,
    bundle: data.bundle,
    files: data.files,
    volumes: data.volumes,
    revision: 1,
    ...nothingWrong,
    removesVolumes: false,
  }),
  initial: 'stopped',
  on: {
    'app.removal-requested': {
      target: '.removing',
      actions: ['clear', assign(({ event }) => ({ removesVolumes: event.data.withVolumes }))],
    },
  },
  states: {
    stopped: {
      on: {
        'app.start-requested': 'starting',
        'app.updated': { actions: 'revise' },
      },
    },
    starting: {
      on: {
        'app.started': { target: 'running', actions: 'clear' },
        'app.failed': { target: 'failed', actions: 'fail' },
        'app.delayed': { actions: 'delay' },
        'app.updated': { target: 'updating', actions: 'revise' },
        'app.paused': { target: 'paused', actions: 'pause' },
        'app.stop-requested': { target: 'stopping', actions: 'clear' },
      },
    },
    running: {
      on: {
        'app.degraded': { target: 'degraded', actions: 'fail' },
        'app.failed': { target: 'failed', actions: 'fail' },
        'app.updated': { target: 'updating', actions: 'revise' },
        'app.paused': { target: 'paused', actions: 'pause' },
        'app.stop-requested': { target: 'stopping', actions: 'clear' },
      },
    },
    degraded: {
      on: {
        'app.recovered': { target: 'running', actions: 'clear' },
        'app.degraded': { actions: 'fail' },
        'app.failed': { target: 'failed', actions: 'fail' },
        'app.updated': { target: 'updating', actions: 'revise' },
        'app.paused': { target: 'paused', actions: 'pause' },
        'app.stop-requested': { target: 'stopping', actions: 'clear' },
      },
    },
    updating: {
      on: {
        'app.started': { target: 'running', actions: 'clear' },
        'app.failed': { target: 'failed', actions: 'fail' },
        'app.delayed': { actions: 'delay' },
        'app.updated': { actions: 'revise' },
        'app.paused': { target: 'paused', actions: 'pause' },
        'app.stop-requested': { target: 'stopping', actions: 'clear' },
      },
    },
    failed: {
      on: {
        'app.start-requested': { target: 'starting', actions: 'clear' },
        'app.updated': { target: 'updating', actions: 'revise' },
        'app.paused': { target: 'paused', actions: 'pause' },
        'app.stop-requested': { target: 'stopping', actions: 'clear' },
      },
    },
    paused: {
      on: {
        'app.resumed': { target: 'starting', actions: 'clear' },
        'app.failed': { target: 'failed', actions: 'fail' },
        'app.stop-requested': { target: 'stopping', actions: 'clear' },
        'app.updated': { actions: assign(({ context, event }) => ({ ...event.data, revision: context.revision + 1 })) },
      },
    },
    stopping: {
      on: {
        'app.stopped': { target: 'stopped', actions: 'clear' },
        'app.updated': { actions: 'revise' },
      },
    },
    removing: {
      on: {
        'app.removed': 'removed',
        // Asked once more, in the middle of it: the removal goes on as it was asked for first.
        'app.removal-requested': undefined,
      },
    },
    removed: { type: 'final' },
  },
});
