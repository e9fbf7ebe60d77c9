/** One row a pool: what it is made of, how well it is, and what it holds. */
import type { ActorState, LabView } from '#actors/actor.ts';
import type { PoolChange } from '#actors/pool/machine.ts';
import { limitsOf, promisable, promisedTo } from '#actors/placement/capacity.ts';
import { poolStream } from '#actors/pool/stream.ts';
import type { StreamId } from '#events/envelope.ts';
import type { PoolLimits } from '#events/node.ts';
import type { PoolDeviceFacts, PoolOrigin, PoolProblem, PoolScrub } from '#events/pool.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { PoolAbilityFacts, PoolDriver, PoolLayout } from '#events/values/pool.ts';
import { defineProjection } from '../projection.ts';
import { refTo, type Ref } from '../refs.ts';

export interface PoolRow {
  readonly id: StreamId<'pool'>;
  readonly name: string;
  readonly node: Ref;
  readonly driver: PoolDriver;
  readonly origin: PoolOrigin;
  readonly where: string | null;
  readonly state: string;
  readonly since: number;
  readonly createdAt: number;
  readonly layout: PoolLayout | null;
  readonly sizeBytes: number;
  readonly devices: readonly PoolDeviceFacts[];
  /** What is wrong with it, the worst first. */
  readonly problems: readonly PoolProblem[];
  readonly scrub: PoolScrub | null;
  readonly lastScrubAt: number | null;
  /** What is being done to it. */
  readonly change: PoolChange | null;
  /** Why what was asked of it last was not done. */
  readonly problem: Problem | null;
  /** Null of a node that does not say. */
  readonly can: PoolAbilityFacts | null;
  readonly volumes: number;
  /** What they may grow to. */
  readonly reservedBytes: number;
  /** What may be promised to volumes in all: 80 % of the size, unless somebody has set other limits. */
  readonly promisableBytes: number;
  /** What somebody has set, else what is usual. */
  readonly limits: PoolLimits | null;
}

export const poolsView = defineProjection<PoolRow>({
  name: 'pools',
  version: 3,
  keeps: 'table',
  apply: (rows, { before, after }, lab) => {
    if (after?.kind === 'pool') {
      if (after.final) rows.delete(after.stream);
      else rows.put(after.stream, rowOf(after as ActorState<'pool'>, lab));
    } else if (after?.kind === 'node') {
      // What its pools can is told with its facts.
      if (factsOf(before) === factsOf(after) && limitsIn(before) === limitsIn(after)) return;
      for (const pool of lab.referrers(after.stream, 'pool')) rows.put(pool.stream, rowOf(pool, lab));
    } else if (after?.kind === 'volume') {
      if (before && shareOf(before) === shareOf(after)) return;
      for (const stream of new Set([poolOf(before), poolOf(after)])) {
        const pool = stream && lab.get(stream);
        if (pool) rows.put(pool.stream, rowOf(pool, lab));
      }
    }
  },
  scope: () => ({ verb: 'read', kind: 'pool' }),
});

const factsOf = (actor: ActorState | undefined) => actor && (actor as ActorState<'node'>).context.facts;

const limitsIn = (actor: ActorState | undefined) => actor && (actor as ActorState<'node'>).context.poolLimits;

function poolOf(actor: ActorState | undefined): StreamId<'pool'> | undefined {
  const { node = null, pool = null } = (actor as ActorState<'volume'> | undefined)?.context ?? {};
  return node === null || pool === null ? undefined : poolStream(node, pool);
}

function shareOf(actor: ActorState): string {
  const { context, final } = actor as ActorState<'volume'>;
  return `${poolOf(actor)} ${promisedTo(context.spec)} ${final}`;
}

function rowOf(pool: ActorState<'pool'>, lab: LabView): PoolRow {
  const { context, state, stream, since, createdAt } = pool;
  const { metadata, node, driver, origin, where, status, scrub, lastScrubAt, change, problem } = context;
  const volumes = lab.referrers(node, 'volume').filter((volume) => volume.context.pool === metadata.name);
  const home = lab.get(node);
  const sizeBytes = status?.sizeBytes ?? 0;
  const facts = home?.context.facts.pools.find(({ name }) => name === metadata.name);
  return {
    id: stream,
    name: metadata.name,
    node: refTo(lab, node) ?? { id: node, name: node },
    ...{ driver, origin, where, state, since, createdAt },
    layout: status?.layout ?? context.spec?.layout ?? null,
    sizeBytes,
    devices: status?.devices ?? [],
    problems: status?.problems ?? [],
    ...{ scrub, lastScrubAt, change, problem },
    can: facts?.can ?? null,
    volumes: volumes.length,
    reservedBytes: volumes.reduce((sum, volume) => sum + promisedTo(volume.context.spec), 0),
    promisableBytes: home ? promisable({ name: metadata.name, sizeBytes }, home) : 0,
    limits: home ? limitsOf(metadata.name, home) : null,
  };
}
