import type { EventOf, LabEvent, StreamId } from '#events/envelope.ts';
import type { BouncerRule } from '#events/values/bouncer.ts';
import type { Metadata } from '#events/values/metadata.ts';
import type { NodeRole, Peer } from '#events/values/peer.ts';
import { assign, setup } from 'xstate';

export interface Token {
  readonly state: 'open' | 'used' | 'revoked' | 'expired';
  /** SHA-256 of its secret: the secret itself is nowhere in the lab. */
  readonly hash: string;
  readonly role: NodeRole;
  readonly labels: Readonly<Record<string, string>>;
  /** The node whose successor it admits; null: it admits a new one. */
  readonly replaces: string | null;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly usedBy: StreamId<'node'> | null;
  /** When it was used, revoked or found expired. */
  readonly endedAt: number | null;
}

/** What opens a registry. */
export interface RegistryAccess {
  readonly username: string;
  /** Address of the blob with the password. */
  readonly secret: string;
  readonly since: number;
}

/** The consensus group, as its leader saw it last. */
export interface Members {
  readonly voters: readonly Peer[];
  readonly learners: readonly Peer[];
  readonly generation: number;
  readonly term: number | null;
}

export interface Cluster {
  readonly metadata: Metadata;
  readonly timeZone: string;
  /** Raised by every recovery. */
  readonly generation: number;
  /** The machines by which events are folded, and since which event. */
  readonly fold: { readonly version: number; readonly since: number };
  /** Null in a lab of one machine, which has no group. */
  readonly members: Members | null;
  /** Who may join without a token; the first rule that fits decides. */
  readonly bouncer: readonly BouncerRule[];
  /** By id, with those that ended lately: one that is shown again is told why it opens nothing. */
  readonly tokens: Readonly<Record<string, Token>>;
  /** By host. */
  readonly registries: Readonly<Record<string, RegistryAccess>>;
}

/** How long the lab remembers a token after its end. */
export const rememberedMs = 30 * 24 * 3_600_000;

type Tokens = Cluster['tokens'];

const isOpen = ({ tokens }: Cluster, id: string): boolean => Object.hasOwn(tokens, id) && tokens[id]?.state === 'open';

function ended(
  { tokens }: Cluster,
  event: EventOf<'cluster.token-used' | 'cluster.token-revoked' | 'cluster.token-expired'>,
): { readonly tokens: Tokens } {
  const { token: id } = event.data;
  const token = tokens[id];
  if (!token) return { tokens };
  const after: Token = {
    ...token,
    state:
      event.type === 'cluster.token-used' ? 'used' : event.type === 'cluster.token-revoked' ? 'revoked' : 'expired',
    usedBy: event.type === 'cluster.token-used' ? event.data.node : null,
    endedAt: event.at,
  };
  return { tokens: { ...withoutForgotten(tokens, event.at), [id]: after } };
}

/** Tokens whose end is long ago are forgotten with the next thing that happens to any token. */
const withoutForgotten = (tokens: Tokens, at: number): Tokens =>
  Object.fromEntries(
    Object.entries(tokens).filter(([, { endedAt }]) => endedAt === null || at < endedAt + rememberedMs),
  );

export const clusterMachine = setup({
  types: {} as {
    context: Cluster;
    input: EventOf<'cluster.created'>;
    events: Extract<LabEvent, { type: `cluster.${string}` }>;
  },
}).createMachine({
  id: 'cluster',
  context: ({ input }) => ({
    metadata: input.data.metadata,
    timeZone: input.data.timeZone,
    generation: 1,
    fold: { version: 1, since: input.index },
    members: null,
    bouncer: [],
    tokens: {},
    registries: {},
  }),
  initial: 'active',
  states: {
    active: {
      on: {
        'cluster.settings-changed': { actions: assign(({ event }) => ({ timeZone: event.data.timeZone })) },
        'cluster.token-issued': {
          guard: ({ context, event }) => !Object.hasOwn(context.tokens, event.data.token),
          actions: assign(({ context, event: { data, at } }) => ({
            tokens: {
              ...withoutForgotten(context.tokens, at),
              [data.token]: {
                state: 'open' as const,
                hash: data.hash,
                role: data.role,
                labels: data.labels,
                replaces: data.replaces ?? null,
                issuedAt: at,
                expiresAt: data.expiresAt,
                usedBy: null,
                endedAt: null,
              },
            },
          })),
        },
        'cluster.token-used': {
          guard: ({ context, event }) => isOpen(context, event.data.token),
          actions: assign(({ context, event }) => ended(context, event)),
        },
        'cluster.token-revoked': {
          guard: ({ context, event }) => isOpen(context, event.data.token),
          actions: assign(({ context, event }) => ended(context, event)),
        },
        'cluster.token-expired': {
          guard: ({ context, event }) => isOpen(context, event.data.token),
          actions: assign(({ context, event }) => ended(context, event)),
        },
        'cluster.registry-opened': {
          actions: assign(({ context, event: { data, at } }) => ({
            registries: {
              ...context.registries,
              [data.registry]: { username: data.username, secret: data.secret, since: at },
            },
          })),
        },
        'cluster.registry-closed': {
          guard: ({ context, event }) => Object.hasOwn(context.registries, event.data.registry),
          actions: assign(({ context, event }) => {
            const { [event.data.registry]: _, ...registries } = context.registries;
            return { registries };
          }),
        },
        'cluster.bouncer-changed': { actions: assign(({ event }) => ({ bouncer: event.data.rules })) },
        'cluster.members-changed': {
          guard: ({ context, event }) => event.data.generation >= context.generation,
          actions: assign(({ event: { data } }) => ({
            members: {
              voters: data.voters,
              learners: data.learners,
              generation: data.generation,
              term: data.term ?? null,
            },
          })),
        },
        'cluster.fold-switched': {
          guard: ({ context, event }) => event.data.version > context.fold.version,
          actions: assign(({ event }) => ({ fold: { version: event.data.version, since: event.index } })),
        },
        'cluster.recovered': {
          guard: ({ context, event }) => event.data.generation > context.generation,
          actions: assign(({ event }) => ({ generation: event.data.generation })),
        },
      },
    },
  },
});
