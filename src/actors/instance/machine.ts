import type { AppSpec } from '#events/app.ts';
import type { EventOf, Index, LabEvent, StreamId } from '#events/envelope.ts';
import type { ServiceStatus } from '#events/instance.ts';
import type { Metadata, Problem } from '#events/values/metadata.ts';
import { assign, setup } from 'xstate';
import type { WorkName } from '../work.ts';

/**
 * One revision of an app on one node. `starting` brings its containers up, `running` watches and restarts them,
 * `failed` stops those that run, so that nothing runs that nobody watches, and keeps them with their logs (`halted`);
 * `stopping` removes them. Only this node's own `stopped` says that they are gone.
 *
 *   starting → running ────────────→ stopping → stopped
 *       └─────────┴→ failed → halted ───┘
 *
 * Every state but the last goes to `stopping` when that is asked for: a retry, a new revision and a removal stop first.
 */
export interface Instance {
  readonly metadata: Metadata;
  readonly app: StreamId<'app'>;
  readonly revision: number;
  readonly node: StreamId<'node'>;
  readonly spec: AppSpec;
  readonly bundle: string;
  readonly volumes: Readonly<Record<string, StreamId<'volume'>>>;
  /** Index of the assignment. */
  readonly epoch: Index;
  readonly services: Readonly<Record<string, ServiceStatus>>;
  readonly problem: Problem | null;
  /** What a person should know although it stopped nothing. */
  readonly warnings: readonly Problem[];
  /** Why it stops. */
  readonly stopBecause: string | null;
}

export const instanceMachine = setup({
  types: {} as {
    context: Instance;
    input: EventOf<'instance.assigned'>;
    events: Extract<LabEvent, { type: `instance.${string}` }>;
    meta: { work: WorkName };
  },
  actions: {
    willStop: assign(({ event }) =>
      event.type === 'instance.stop-requested' ? { stopBecause: event.data.because } : {},
    ),
    fail: assign(({ event }) => (event.type === 'instance.failed' ? { problem: event.data.problem } : {})),
  },
}).createMachine({
  id: 'instance',
  context: ({ input: { data, index } }) => ({
    metadata: data.metadata,
    app: data.app,
    revision: data.revision,
    node: data.node,
    spec: data.spec,
    bundle: data.bundle,
    volumes: data.volumes,
    epoch: index,
    services: {},
    problem: null,
    warnings: [],
    stopBecause: null,
  }),
  initial: 'starting',
  on: {
    'instance.warned': {
      actions: assign(({ context, event }) => ({ warnings: [...context.warnings, event.data.problem] })),
    },
  },
  states: {
    starting: {
      meta: { work: 'start-instance' },
      on: {
        'instance.started': { target: 'running', actions: assign(({ event }) => ({ services: event.data.services })) },
        'instance.failed': { target: 'failed', actions: 'fail' },
        'instance.stop-requested': { target: 'stopping', actions: 'willStop' },
      },
    },
    running: {
      meta: { work: 'watch-instance' },
      on: {
        'instance.service-changed': {
          actions: assign(({ context, event }) => ({
            services: { ...context.services, [event.data.service]: event.data.status },
          })),
        },
        'instance.failed': { target: 'failed', actions: 'fail' },
        'instance.stop-requested': { target: 'stopping', actions: 'willStop' },
      },
    },
    failed: {
      meta: { work: 'halt-instance' },
      on: {
        // What was known of its services is over with them.
        'instance.halted': { target: 'halted', actions: assign({ services: {} }) },
        'instance.stop-requested': { target: 'stopping', actions: 'willStop' },
      },
    },
    halted: {
      on: { 'instance.stop-requested': { target: 'stopping', actions: 'willStop' } },
    },
    stopping: {
      meta: { work: 'stop-instance' },
      on: { 'instance.stopped': 'stopped' },
    },
    stopped: { type: 'final' },
  },
});
