import type { EventOf, Index, LabEvent, StreamId } from '#events/envelope.ts';
import type { PoolOrigin, PoolScrub, PoolStatus, PoolStorageSpec } from '#events/pool.ts';
import type { Metadata, Problem } from '#events/values/metadata.ts';
import type { PoolDriver, PoolLayout } from '#events/values/pool.ts';
import { assign, setup } from 'xstate';
import type { WorkName } from '../work.ts';

/** What its node is asked to do to it; each is an order for the state of its name. */
export type PoolChange =
  | { readonly kind: 'grow'; readonly sizeBytes?: number }
  | {
      readonly kind: 'add';
      readonly devices: readonly string[];
      readonly layout?: PoolLayout;
      readonly erase: boolean;
    }
  | { readonly kind: 'replace'; readonly old: string; readonly by: string; readonly erase: boolean }
  | { readonly kind: 'scrub'; readonly action: 'start' | 'pause' | 'cancel' };

export interface Pool {
  readonly metadata: Metadata;
  readonly node: StreamId<'node'>;
  /** Index of the event that began it: the assignment that its work serves. */
  readonly epoch: Index;
  readonly driver: PoolDriver;
  readonly origin: PoolOrigin;
  /** An absolute path, or the name of a zfs dataset; null before it is there. */
  readonly where: string | null;
  /** How it is to be made; null of one that was found or adopted. */
  readonly spec: { readonly layout: PoolLayout; readonly on: PoolStorageSpec; readonly erase: boolean } | null;
  /** As its node has told last; null before that. */
  readonly status: PoolStatus | null;
  /** The newest scrub that its node knows of, */
  readonly scrub: PoolScrub | null;
  /** and when one last came to its end. */
  readonly lastScrubAt: number | null;
  /** Why it does not say what has changed in its volumes, although that is asked; null while it does. */
  readonly untold: Problem | null;
  readonly change: PoolChange | null;
  /** Why what was asked of it last was not done. */
  readonly problem: Problem | null;
}

/** Its node remembers it because the lab has told it to. */
const isListed = ({ origin }: Pick<Pool, 'origin'>): boolean => origin === 'made' || origin === 'adopted';

type Beginning = EventOf<'pool.found' | 'pool.requested' | 'pool.adoption-requested'>;

function contextOf(event: Beginning): Pool {
  const { metadata, node, driver } = event.data;
  const pool = {
    ...{ metadata, node, driver, epoch: event.index },
    ...{
      where: null,
      spec: null,
      status: null,
      scrub: null,
      lastScrubAt: null,
      untold: null,
      change: null,
      problem: null,
    },
  };
  switch (event.type) {
    case 'pool.found':
      return { ...pool, origin: event.data.origin, where: event.data.where, status: event.data.status };
    case 'pool.requested': {
      const { layout, on, erase } = event.data;
      return { ...pool, origin: 'made', spec: { layout, on, erase } };
    }
    case 'pool.adoption-requested':
      return { ...pool, origin: 'adopted', where: event.data.where };
  }
}

/** Where a pool belongs that is as this says: what its node tells decides, whatever was asked of it. */
const asItIs = [
  { guard: 'isOnline', target: 'online', actions: 'note' },
  { guard: 'isDegraded', target: 'degraded', actions: 'note' },
  { target: 'unavailable', actions: 'note' },
] as const;

/** After something was not done it is as it was known last. */
const asItWas = [
  { guard: 'wasOnline', target: 'online', actions: 'fail' },
  { guard: 'wasDegraded', target: 'degraded', actions: 'fail' },
  { target: 'unavailable', actions: 'fail' },
] as const;

/** Its node takes it from its list; one that is named at the node's start stays until it is named no more. */
const lost = [{ guard: 'isListed', target: 'releasing' }, { actions: 'note' }] as const;

const scrubbed = { 'pool.scrub-changed': { actions: 'noteScrub' } } as const;

const resting = {
  ...scrubbed,
  'pool.health-changed': asItIs,
  'pool.growth-requested': { target: 'growing', actions: 'begin' },
  'pool.devices-requested': { target: 'adding', actions: 'begin' },
  'pool.replacement-requested': { target: 'replacing', actions: 'begin' },
  'pool.scrub-requested': { target: 'setting-scrub', actions: 'begin' },
  'pool.clearing-requested': { target: 'clearing', actions: 'begin' },
  'pool.release-requested': 'releasing',
  'pool.lost': lost,
  'pool.forgotten': 'forgotten',
} as const;

const working = {
  ...scrubbed,
  'pool.health-changed': { actions: 'note' },
  'pool.changed': asItIs,
  'pool.change-failed': asItWas,
  'pool.lost': lost,
  'pool.forgotten': 'forgotten',
} as const;

const beginning = {
  'pool.opened': asItIs,
  'pool.failed': { target: 'failed', actions: 'fail' },
  'pool.forgotten': 'forgotten',
} as const;

/**
 *   creating, adopting ──▶ online ⇄ degraded ⇄ unavailable ──▶ releasing ──▶ forgotten
 *      │         ▲            │ ▲
 *      ▼         │            ▼ │
 *     failed ────┘         growing, adding, replacing, setting-scrub, clearing
 *
 * `online`, `degraded` and `unavailable` are what its node has found; a pool that its node found goes through none of the
 * others first. A scrub goes on in any of them: to start, pause or cancel it is a matter of a moment.
 */
export const poolMachine = setup({
  types: {} as {
    context: Pool;
    input: Beginning;
    events: Extract<LabEvent, { type: `pool.${string}` }>;
    meta: { work: WorkName };
  },
  guards: {
    isOnline: ({ event }) => 'status' in event.data && event.data.status.state === 'online',
    isDegraded: ({ event }) => 'status' in event.data && event.data.status.state === 'degraded',
    isListed: ({ context }) => isListed(context),
    wasOnline: ({ context }) => context.status?.state === 'online',
    wasDegraded: ({ context }) => context.status?.state === 'degraded',
  },
  actions: {
    note: assign(({ context, event }) => {
      if (!('status' in event.data)) return {};
      const { status } = event.data;
      if (event.type === 'pool.opened') return { status, where: event.data.where, change: null, problem: null };
      if (event.type === 'pool.changed') return { status, change: null, problem: null };
      const where = event.type === 'pool.health-changed' ? event.data.where : undefined;
      return { status, where: where ?? context.where };
    }),
    noteScrub: assign(({ context, event }) => {
      if (event.type !== 'pool.scrub-changed') return {};
      const { scrub } = event.data;
      const lastScrubAt = scrub.state === 'finished' ? (scrub.endedAt ?? event.at) : context.lastScrubAt;
      return { scrub, lastScrubAt };
    }),
    begin: assign(({ event }) => ({ change: changeOf(event), problem: null })),
    beginAnew: assign(({ event }) =>
      event.type === 'pool.requested' || event.type === 'pool.adoption-requested' ? contextOf(event) : {},
    ),
    fail: assign(({ event }) => ('problem' in event.data ? { problem: event.data.problem, change: null } : {})),
  },
}).createMachine({
  id: 'pool',
  context: ({ input }) => contextOf(input),
  initial: 'online',
  on: {
    'pool.changes-untold': { actions: assign(({ event }) => ({ untold: event.data.problem })) },
    'pool.changes-told': { actions: assign({ untold: null }) },
  },
  states: {
    creating: { meta: { work: 'create-pool' }, on: beginning },
    adopting: { meta: { work: 'adopt-pool' }, on: beginning },
    online: { on: resting },
    degraded: { on: resting },
    unavailable: { on: resting },
    growing: { meta: { work: 'grow-pool' }, on: working },
    adding: { meta: { work: 'add-pool-devices' }, on: working },
    replacing: { meta: { work: 'replace-pool-device' }, on: working },
    'setting-scrub': { meta: { work: 'scrub-pool' }, on: working },
    clearing: { meta: { work: 'clear-pool' }, on: working },
    failed: {
      on: {
        'pool.lost': lost,
        'pool.requested': { target: 'creating', actions: 'beginAnew' },
        'pool.adoption-requested': { target: 'adopting', actions: 'beginAnew' },
        'pool.release-requested': 'releasing',
        'pool.forgotten': 'forgotten',
      },
    },
    releasing: {
      meta: { work: 'release-pool' },
      on: { 'pool.change-failed': asItWas, 'pool.forgotten': 'forgotten' },
    },
    forgotten: { type: 'final' },
  },
});

function changeOf(event: LabEvent): PoolChange | null {
  switch (event.type) {
    case 'pool.growth-requested':
      return { kind: 'grow', ...event.data };
    case 'pool.devices-requested':
      return { kind: 'add', ...event.data };
    case 'pool.replacement-requested':
      return { kind: 'replace', ...event.data };
    case 'pool.scrub-requested':
      return { kind: 'scrub', ...event.data };
    default:
      return null;
  }
}
