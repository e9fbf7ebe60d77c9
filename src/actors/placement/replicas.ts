/**
 * Where the replicas of a volume come to be: filters that each explain their refusal, then a strategy among the pools
 * that are left. Like `choose.ts` for the volumes themselves, but never beside another copy of the same volume.
 */
import type { StreamId } from '#events/envelope.ts';
import type { PlacingStrategy } from '#events/values/replication.ts';
import { formatSize } from '#events/values/size.ts';
import type { ActorState, LabView } from '../actor.ts';
import { isDeparting, isMember, runsApps } from '../node/known.ts';
import { isKept, replicasOf } from '../replica/known.ts';
import { streamBetween } from '../replica/format.ts';
import { isLeaving, leftOf, promisable, promisedTo } from './capacity.ts';
import { nodeRefusal } from './constraints.ts';
import { zoneLabel } from './electors.ts';
import { fitting, type Bin } from './packing.ts';

export interface ReplicaCandidate {
  readonly node: StreamId<'node'>;
  readonly name: string;
  /** In the chosen pool, else in its roomiest. */
  readonly freeBytes: number;
  readonly pool?: string;
  /** Why not; absent when it fits. */
  readonly refused?: string;
}

export interface ReplicaChoice {
  readonly place: { readonly node: StreamId<'node'>; readonly pool: string } | undefined;
  readonly strategy: PlacingStrategy;
  /** All nodes, those that fit first, with the reasons of the others. */
  readonly candidates: readonly ReplicaCandidate[];
}

/** What a person has said; empty: anywhere. */
export interface Wished {
  readonly node?: StreamId<'node'> | undefined;
  readonly pool?: string | undefined;
  /** By the same command, which nobody has heard of yet. */
  readonly promised?: readonly Promised[];
}

/** Room in a pool. */
export interface Promised {
  readonly node: StreamId<'node'>;
  readonly pool: string;
  readonly bytes: number;
}

export function chooseReplica(volume: ActorState<'volume'>, wished: Wished, lab: LabView): ReplicaChoice {
  const strategy = volume.context.spec.replicas?.strategy ?? 'most-free';
  const judged = lab
    .list('node')
    .filter(isMember)
    .map((node) => judge(volume, node, wished, lab));
  const needBytes = promisedTo(volume.context.spec);
  const bins = judged.flatMap((one) => one.bins);
  const alike = bins.filter(({ stream }) => stream === 'native');
  // Where the file system itself can follow, it does: file by file costs both nodes far more.
  const best = fitting(strategy, needBytes, alike)[0] ?? fitting(strategy, needBytes, bins)[0];
  const candidates = judged
    .map(({ candidate, bins: own }): ReplicaCandidate => {
      const bin = own.find((one) => one === best) ?? own.toSorted((a, b) => b.freeBytes - a.freeBytes)[0];
      return bin ? { ...candidate, freeBytes: bin.freeBytes, pool: bin.pool } : candidate;
    })
    .toSorted(
      (a, b) =>
        Number(a.refused !== undefined) - Number(b.refused !== undefined) ||
        Number(b.node === best?.node) - Number(a.node === best?.node) ||
        b.freeBytes - a.freeBytes ||
        (a.node < b.node ? -1 : 1),
    );
  return { place: best && { node: best.node, pool: best.pool }, strategy, candidates };
}

interface Judged {
  readonly candidate: ReplicaCandidate;
  /** Its pools that fit. */
  readonly bins: readonly PoolBin[];
}

interface PoolBin extends Bin {
  readonly stream: ReturnType<typeof streamBetween>;
}

function judge(volume: ActorState<'volume'>, node: ActorState<'node'>, wished: Wished, lab: LabView): Judged {
  const about = { node: node.stream, name: node.context.metadata.name, freeBytes: 0 };
  const why = refusal(volume, node, wished, lab);
  if (why !== undefined) return { candidate: { ...about, refused: why }, bins: [] };
  const from = lab.get(volume.context.node ?? 'node:')?.context.facts.pools;
  const driver = from?.find(({ name }) => name === volume.context.pool)?.driver;
  if (driver === undefined) return { candidate: { ...about, refused: 'cannot know what the volume is on' }, bins: [] };
  const needBytes = promisedTo(volume.context.spec);
  const bins: PoolBin[] = [];
  let refused = 'has no pool';
  let roomiestBytes = 0;
  for (const pool of node.context.facts.pools) {
    if (wished.pool !== undefined && pool.name !== wished.pool) {
      if (refused === 'has no pool') refused = `has no pool ${wished.pool}`;
      continue;
    }
    const taken = (wished.promised ?? []).filter((one) => one.node === node.stream && one.pool === pool.name);
    const leftBytes = leftOf(pool, node, lab) - taken.reduce((sum, { bytes }) => sum + bytes, 0);
    if (isLeaving(pool.name, node.stream, lab)) refused = `forgets its pool ${pool.name}`;
    else if (leftBytes < needBytes) {
      roomiestBytes = Math.max(roomiestBytes, leftBytes);
      refused = `has ${formatSize(roomiestBytes)} left, and ${formatSize(needBytes)} are wanted`;
    } else {
      const capacityBytes = promisable(pool, node);
      const heldBytes = heldIn(pool.name, node.stream, lab);
      const stream = streamBetween(driver, pool.driver);
      bins.push({ node: node.stream, pool: pool.name, freeBytes: leftBytes, capacityBytes, heldBytes, stream });
    }
  }
  return { candidate: bins.length === 0 ? { ...about, freeBytes: roomiestBytes, refused } : about, bins };
}

/** What a pool has promised already, one by one. */
const heldIn = (pool: string, node: StreamId<'node'>, lab: LabView): readonly number[] => [
  ...lab
    .referrers(node, 'volume')
    .filter(({ context }) => context.node === node && context.pool === pool)
    .map(({ context }) => promisedTo(context.spec)),
  ...lab
    .referrers(node, 'replica')
    .filter(({ context }) => context.pool === pool)
    .map(({ context }) => replicaBytes(context.volume, lab)),
];

/** Room that is kept for a replica: as for its volume, whose place it may have to take. */
const replicaBytes = (volume: StreamId<'volume'>, lab: LabView): number => {
  const of = lab.get(volume);
  return of ? promisedTo(of.context.spec) : 0;
};

function refusal(
  volume: ActorState<'volume'>,
  node: ActorState<'node'>,
  wished: Wished,
  lab: LabView,
): string | undefined {
  const { replicas } = volume.context.spec;
  if (wished.node !== undefined && wished.node !== node.stream) return 'is not the one that was named';
  if (!runsApps(node)) return 'is a witness';
  if (isDeparting(node)) return 'leaves the lab';
  if (node.state === 'stopped') return 'was stopped';
  if (node.state !== 'up') return 'does not answer';
  if (node.stream === volume.context.node) return 'has the volume itself';
  const copies = replicasOf(volume.stream, lab);
  if (copies.some(({ context }) => context.node === node.stream)) return 'has a replica already';
  if (node.context.cordoned && wished.node === undefined) return 'is cordoned';
  const lacks = wished.node === undefined ? nodeRefusal({ labels: replicas?.nodes ?? {} }, node) : undefined;
  if (lacks !== undefined) return lacks;
  if (replicas?.zones !== 'spread' || wished.node !== undefined) return undefined;
  const zone = zoneOf(node);
  if (zone === undefined) return `has no label ${zoneLabel}, and copies are spread over zones`;
  const taken = [volume.context.node, ...copies.filter(isKept).map(({ context }) => context.node)];
  const twin = taken.find((other) => other !== null && zoneOf(lab.get(other)) === zone);
  return twin ? `is in zone ${zone}, where ${lab.get(twin)?.context.metadata.name ?? 'another'} has a copy` : undefined;
}

const zoneOf = (node: ActorState<'node'> | undefined): string | undefined => node?.context.metadata.labels[zoneLabel];
