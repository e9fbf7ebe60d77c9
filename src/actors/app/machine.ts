import type { AppSpec } from '#events/app.ts';
import type { EventOf, LabEvent, StreamId } from '#events/envelope.ts';
import type { ImagePin, OfferedImage } from '#events/values/image.ts';
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
  /** Where its data outside of volumes lies (`placement/external.ts`): where it was first placed, or a person has said. */
  readonly tiedTo: StreamId<'node'> | null;
  /** What the images of its services are, by service; without one it has not been started with this text yet. */
  readonly images: Readonly<Record<string, ImagePin>>;
  /** Nodes that may have to run it next, */
  readonly standby: readonly StreamId<'node'>[];
  /** and the ids of the images that are ready there, by node and service. */
  readonly held: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What their registries last had under the same names, by service, */
  readonly offered: Readonly<Record<string, OfferedImage>>;
  /** and when that was asked, in milliseconds since 1970. */
  readonly imagesCheckedAt: number | null;
  /** Services whose registries did not answer then, sorted. */
  readonly unanswered: readonly string[];
  /** Since when somebody waits for an answer, in milliseconds since 1970. */
  readonly imagesAskedAt: number | null;
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
      event.type === 'app.updated' ? { ...revised(context, event.data), ...nothingWrong } : {},
    ),
    tie: assign(({ event }) => (event.type === 'app.tied' ? { tiedTo: event.data.node } : {})),
    pinImages: assign(({ context, event }) =>
      event.type === 'app.images-pinned' ? { images: { ...context.images, ...event.data.images } } : {},
    ),
    offerImages: assign(({ context, event }) =>
      event.type === 'app.images-checked'
        ? {
            offered: { ...context.offered, ...event.data.images },
            imagesCheckedAt: event.at,
            imagesAskedAt: null,
            unanswered: event.data.unanswered.toSorted(),
          }
        : {},
    ),
    renewImages: assign(({ context, event }) =>
      event.type === 'app.images-renewed'
        ? {
            ...nothingWrong,
            held: {},
            images: renewed(context.images, event.data.images),
            revision: context.revision + 1,
          }
        : {},
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
    tiedTo: null,
    images: {},
    standby: [],
    held: {},
    offered: {},
    imagesCheckedAt: null,
    unanswered: [],
    imagesAskedAt: null,
    ...nothingWrong,
    removesVolumes: false,
  }),
  initial: 'stopped',
  on: {
    'app.images-pinned': { actions: 'pinImages' },
    'app.standby-chosen': { actions: assign(({ event }) => ({ standby: event.data.nodes })) },
    'app.images-held': {
      actions: assign(({ context, event }) => ({ held: { ...context.held, [event.data.node]: event.data.images } })),
    },
    'app.tied': { actions: 'tie' },
    'app.images-check-requested': { actions: assign(({ event }) => ({ imagesAskedAt: event.at })) },
    'app.images-checked': { actions: 'offerImages' },
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
        'app.images-renewed': { actions: 'renewImages' },
      },
    },
    starting: {
      on: {
        'app.started': { target: 'running', actions: 'clear' },
        'app.failed': { target: 'failed', actions: 'fail' },
        'app.delayed': { actions: 'delay' },
        'app.updated': { target: 'updating', actions: 'revise' },
        'app.images-renewed': { target: 'updating', actions: 'renewImages' },
        'app.paused': { target: 'paused', actions: 'pause' },
        'app.stop-requested': { target: 'stopping', actions: 'clear' },
      },
    },
    running: {
      on: {
        'app.degraded': { target: 'degraded', actions: 'fail' },
        'app.failed': { target: 'failed', actions: 'fail' },
        'app.updated': { target: 'updating', actions: 'revise' },
        'app.images-renewed': { target: 'updating', actions: 'renewImages' },
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
        'app.images-renewed': { target: 'updating', actions: 'renewImages' },
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
        'app.images-renewed': { actions: 'renewImages' },
        'app.paused': { target: 'paused', actions: 'pause' },
        'app.stop-requested': { target: 'stopping', actions: 'clear' },
      },
    },
    failed: {
      on: {
        'app.start-requested': { target: 'starting', actions: 'clear' },
        'app.updated': { target: 'updating', actions: 'revise' },
        'app.images-renewed': { target: 'updating', actions: 'renewImages' },
        'app.paused': { target: 'paused', actions: 'pause' },
        'app.stop-requested': { target: 'stopping', actions: 'clear' },
      },
    },
    paused: {
      on: {
        // For the next of several volumes that go together.
        'app.paused': { actions: 'pause' },
        'app.resumed': { target: 'starting', actions: 'clear' },
        'app.failed': { target: 'failed', actions: 'fail' },
        'app.stop-requested': { target: 'stopping', actions: 'clear' },
        'app.updated': { actions: assign(({ context, event }) => revised(context, event.data)) },
        'app.images-renewed': {
          actions: assign(({ context, event }) => ({
            held: {},
            images: renewed(context.images, event.data.images),
            revision: context.revision + 1,
          })),
        },
      },
    },
    stopping: {
      on: {
        'app.stopped': { target: 'stopped', actions: 'clear' },
        'app.updated': { actions: 'revise' },
        'app.images-renewed': { actions: 'renewImages' },
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

/** Pins hold for the text that they are of: a service with another image is found out anew. */
function revised(app: App, data: EventOf<'app.updated'>['data']) {
  const same = <T extends { readonly image: string }>(of: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(of).filter(([service, { image }]) => data.spec.services[service]?.image === image),
    );
  return { ...data, held: {}, images: same(app.images), offered: same(app.offered), revision: app.revision + 1 };
}

function renewed(known: App['images'], images: EventOf<'app.images-renewed'>['data']['images']): App['images'] {
  const after = Object.entries({ ...known, ...images }).filter(([, pin]) => pin !== null);
  return Object.fromEntries(after) as App['images'];
}
