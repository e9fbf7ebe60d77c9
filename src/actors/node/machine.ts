import type { EventOf, LabEvent } from '#events/envelope.ts';
import type { NodeFacts, PoolLimits } from '#events/node.ts';
import type { Fill } from '#events/volume.ts';
import type { Metadata } from '#events/values/metadata.ts';
import type { NodeRole } from '#events/values/peer.ts';
import { assign, setup } from 'xstate';

export interface Node {
  readonly metadata: Metadata;
  readonly addresses: readonly string[];
  /** Where it listens for other nodes; null of a lab that was one machine and did not need to know. */
  readonly port: number | null;
  readonly facts: NodeFacts;
  readonly role: NodeRole;
  /** SHA-256 of the public key by which it proves itself; null when it never had to. */
  readonly keySha256: string | null;
  /** Of its disk: another one after that was lost. */
  readonly incarnation: string | null;
  /** While it waits: it may join as soon as it asks again. */
  readonly approved: boolean;
  /** A cordoned node keeps what it runs and gets nothing new. */
  readonly cordoned: boolean;
  /** It is on its way out of the lab, and becomes what this says once the consensus group is without it. */
  readonly departing: 'left' | 'removed' | null;
  /** Pools that are nearly full, and what they held when that began. */
  readonly fullPools: Readonly<Record<string, Fill>>;
  /** What somebody has said of how far its pools may be promised. */
  readonly poolLimits: Readonly<Record<string, PoolLimits>>;
  /** When it was last heard of, while it is down or stopped; null also when nobody knows. */
  readonly downSince: number | null;
  /** It has been away for so long that a voter is replaced. */
  readonly downLasts: boolean;
  /** While it is down: how far its clock is ahead of the lab's, where that is why. Less than 0: behind. */
  readonly clockAheadMs: number | null;
}

type Beginning = EventOf<'node.joined' | 'node.asked-to-join'>;

const contextOf = ({ data }: Beginning): Node => ({
  metadata: data.metadata,
  addresses: data.addresses,
  port: data.port ?? null,
  facts: data.facts,
  role: data.role ?? 'any',
  keySha256: data.keySha256 ?? null,
  incarnation: data.incarnation ?? null,
  approved: false,
  cordoned: false,
  departing: null,
  fullPools: {},
  poolLimits: {},
  downSince: null,
  downLasts: false,
  clockAheadMs: null,
});

/** Of one that answers again. */
const heard = { downSince: null, downLasts: false, clockAheadMs: null };

const departing = { 'node.departure-requested': { guard: 'stays', actions: 'depart' } } as const;

/** Out of `down` and out of `stopped`: how it came to be away makes no difference to how it goes on. */
const away = {
  ...departing,
  'node.came-up': { target: 'up', actions: 'comeUp' },
  'node.stayed-down': { guard: 'isNew', actions: 'lastLong' },
  // It runs, so it was not stopped.
  'node.clock-differed': { guard: 'isUnexplained', target: 'down', actions: 'explain' },
  'node.replaced': { target: 'up', actions: 'replace' },
  'node.left': 'removed',
  'node.removed': 'removed',
} as const;

/**
 * The life of a machine in the lab. With a token it begins in `up`; without one it may have to wait for a person.
 *
 *   waiting ──joined──▶ up ⇄ down, stopped
 *      │                │     │ removed
 *      ▼                ▼     ▼
 *   refused            removed          also by leaving
 *
 * `up`, `down` and `stopped` are what the lab believes. `stopped` is a daemon that was ended on purpose and said goodbye,
 * `down` one that fell silent, or cannot be linked because of its clock; either may still run what it ran.
 *
 * A member of the consensus group that is to go is `departing` first, in whichever of these states: it keeps answering
 * until the others have agreed to decide without it.
 */
export const nodeMachine = setup({
  types: {} as {
    context: Node;
    input: Beginning;
    events: Extract<LabEvent, { type: `node.${string}` }>;
  },
  guards: {
    isNew: ({ context }) => !context.downLasts,
    isUnexplained: ({ context }) => context.clockAheadMs === null,
    stays: ({ context }) => context.departing === null,
    isRemoved: ({ context }) => context.departing === 'removed',
  },
  actions: {
    depart: assign(({ event }) => (event.type === 'node.departure-requested' ? { departing: event.data.as } : {})),
    comeUp: assign(heard),
    explain: assign(({ event }) => (event.type === 'node.clock-differed' ? { clockAheadMs: event.data.aheadMs } : {})),
    lastLong: assign({ downLasts: true }),
    replace: assign(({ event }) => {
      if (event.type !== 'node.replaced') return {};
      const { incarnation, keySha256, addresses, port, facts } = event.data;
      return { incarnation, keySha256, addresses, port, facts, fullPools: {}, ...heard };
    }),
  },
}).createMachine({
  id: 'node',
  context: ({ input }) => contextOf(input),
  initial: 'waiting',
  // The machine of a node is known by what happened to it, wherever it stands.
  on: {
    'node.facts-changed': {
      actions: assign(({ context, event: { data } }) => ({
        addresses: data.addresses,
        facts: data.facts,
        port: data.port ?? context.port,
      })),
    },
    'node.labelled': {
      actions: assign(({ context, event }) => ({ metadata: { ...context.metadata, labels: event.data.labels } })),
    },
    'node.role-changed': {
      guard: ({ context, event }) => context.role !== event.data.role,
      actions: assign(({ event }) => ({ role: event.data.role })),
    },
    'node.rekeyed': {
      actions: assign(({ context, event: { data } }) => ({
        keySha256: data.keySha256,
        incarnation: data.incarnation ?? context.incarnation,
      })),
    },
    'node.cordoned': { guard: ({ context }) => !context.cordoned, actions: assign({ cordoned: true }) },
    'node.pool-filled': {
      guard: ({ context, event }) => !Object.hasOwn(context.fullPools, event.data.pool),
      actions: assign(({ context, event: { data } }) => ({
        fullPools: { ...context.fullPools, [data.pool]: { usedBytes: data.usedBytes, sizeBytes: data.sizeBytes } },
      })),
    },
    'node.pool-eased': {
      guard: ({ context, event }) => Object.hasOwn(context.fullPools, event.data.pool),
      actions: assign(({ context, event }) => ({
        fullPools: Object.fromEntries(Object.entries(context.fullPools).filter(([pool]) => pool !== event.data.pool)),
      })),
    },
    'node.pool-limited': {
      actions: assign(({ context, event: { data } }) => ({
        poolLimits: {
          ...context.poolLimits,
          [data.pool]: { fillPercent: data.fillPercent, reserveBytes: data.reserveBytes },
        },
      })),
    },
    'node.uncordoned': { guard: ({ context }) => context.cordoned, actions: assign({ cordoned: false }) },
  },
  states: {
    waiting: {
      on: {
        'node.approved': { guard: ({ context }) => !context.approved, actions: assign({ approved: true }) },
        // What it says of itself now counts, not what it said when it asked.
        'node.joined': { target: 'up', actions: assign(({ event }) => contextOf(event)) },
        'node.refused': 'refused',
      },
    },
    up: {
      on: {
        'node.went-down': { target: 'down', actions: assign(({ event }) => ({ downSince: event.data.lastSeenAt })) },
        'node.stopped': { target: 'stopped', actions: assign(({ event }) => ({ downSince: event.at })) },
        ...departing,
        'node.left': 'removed',
        // It was down when it was removed, and has come back before the others were done.
        'node.removed': { guard: 'isRemoved', target: 'removed' },
      },
    },
    down: { on: away },
    stopped: { on: away },
    refused: { type: 'final' },
    removed: { type: 'final' },
  },
});
