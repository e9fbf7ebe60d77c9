/**
 * Which node, and which of its pools: filters that each explain their refusal, then the node with the most free room
 * (Cobalt's rule: a pool fits when free ≥ wanted, free = size × fill limit − what is left to others − what its volumes
 * may grow to). Ties go to the smaller id.
 */
import type { PublishedPort } from '#events/app.ts';
import type { StreamId } from '#events/envelope.ts';
import { formatSize } from '#events/values/size.ts';
import type { PoolAbilityFacts } from '#events/values/pool.ts';
import type { ActorState, LabView } from '../actor.ts';
import { portHeldOn } from '../app/ports.ts';
import { portKey } from '../compose/port-clash.ts';
import { isDeparting, isMember, runsApps } from '../node/known.ts';
import { isLeaving, leftOf } from './capacity.ts';
import { tieRefusal, type Ties } from './external.ts';
import { nodeRefusal, placeRefusal, poolRefusal, type Placing } from './constraints.ts';

/** A volume that wants a place. */
export interface Need extends Placing {
  /** What its pool has to keep for it. */
  readonly bytes: number;
}

export interface Wish {
  /** All on one node, each in one of its pools. */
  readonly needs: readonly Need[];
  /** Nodes that already hold data of the app; empty: any. */
  readonly only: readonly StreamId<'node'>[];
  /** What ties an app to nodes besides its volumes. */
  readonly ties?: Ties;
  /** What an app publishes there. */
  readonly publishes?: { readonly app: StreamId<'app'>; readonly ports: readonly PublishedPort[] };
}

export interface Candidate {
  readonly node: StreamId<'node'>;
  readonly name: string;
  /** In its roomiest pool. */
  readonly freeBytes: number;
  /** For each volume, in their order. */
  readonly pools?: readonly string[];
  /** Why not; absent when it fits. */
  readonly refused?: string;
}

export interface Choice {
  readonly node: StreamId<'node'> | undefined;
  /** For each volume, in their order. */
  readonly pools: readonly string[];
  /** All nodes, the chosen one first, with the reasons. */
  readonly candidates: readonly Candidate[];
}

export function choose(lab: LabView, wish: Wish): Choice {
  const candidates = lab
    .list('node')
    .filter(isMember)
    .map((node) => judge(node, wish, lab))
    .toSorted(
      (a, b) =>
        Number(a.refused !== undefined) - Number(b.refused !== undefined) ||
        b.freeBytes - a.freeBytes ||
        (a.node < b.node ? -1 : 1),
    );
  const best = candidates.find(({ refused }) => refused === undefined);
  return { node: best?.node, pools: best?.pools ?? [], candidates };
}

function judge(node: ActorState<'node'>, wish: Wish, lab: LabView): Candidate {
  const left = roomOf(node, lab);
  const [roomiest] = left;
  const about = {
    node: node.stream,
    name: node.context.metadata.name,
    freeBytes: Math.max(0, roomiest?.leftBytes ?? 0),
  };
  const why = refusal(node, wish, left);
  if (why !== undefined) return { ...about, refused: why };
  const pools = pack(wish.needs, left, node);
  if (typeof pools === 'string') return { ...about, refused: pools };
  const held = wish.publishes && portHeldOn(node.stream, wish.publishes, lab);
  if (held) return { ...about, refused: `publishes port ${portKey(held.port)} for app ${held.app}` };
  return pools.length === 0 ? about : { ...about, pools };
}

function refusal(node: ActorState<'node'>, wish: Wish, rooms: readonly Room[]): string | undefined {
  if (!runsApps(node)) return 'is a witness';
  if (isDeparting(node)) return 'leaves the lab';
  if (node.state === 'stopped') return 'was stopped';
  if (node.state !== 'up') return 'does not answer';
  if (wish.only.length > 1) return 'the volumes of the app are on several nodes';
  if (wish.only.length === 1 && wish.only[0] !== node.stream) return 'does not hold the volumes of the app';
  const tied = wish.ties && tieRefusal(wish.ties, node);
  if (tied !== undefined) return tied;
  // An app whose data is here goes on here, even when the node gets nothing new.
  if (node.context.cordoned && wish.only.length === 0) return 'is cordoned';
  if (node.context.facts.engine === null) return 'has no container engine';
  if (wish.needs.length > 0 && rooms.length === 0) return 'has no pool';
  for (const { constraints } of wish.needs) {
    const why = nodeRefusal(constraints, node);
    if (why !== undefined) return why;
  }
  return undefined;
}

interface Room {
  readonly name: string;
  readonly driver: string;
  readonly can?: PoolAbilityFacts;
  readonly leftBytes: number;
}

/** The pool with the most room first. */
const roomOf = (node: ActorState<'node'>, lab: LabView): readonly Room[] =>
  node.context.facts.pools
    .filter((pool) => !isLeaving(pool.name, node.stream, lab))
    .map((pool) => ({ ...pool, leftBytes: leftOf(pool, node, lab) }))
    .toSorted(byRoom);

const byRoom = (a: Room, b: Room): number => b.leftBytes - a.leftBytes || (a.name < b.name ? -1 : 1);

/**
 * First-fit decreasing: the largest first, each into the pool that has the most room left and that it may be in. All or
 * none.
 * @returns a pool for each, or why not
 */
function pack(needs: readonly Need[], rooms: readonly Room[], node: ActorState<'node'>): readonly string[] | string {
  // Together, as long as that goes: a person looks for the volumes of an app in one place.
  const together = rooms.find(
    (room) =>
      needs.every((need) => poolRefusal(need, room) === undefined) &&
      room.leftBytes >= needs.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  if (together) return needs.map(() => together.name);
  let left = [...rooms];
  const chosen = new Map<number, string>();
  for (const [n, need] of [...needs.entries()].toSorted(([, a], [, b]) => b.bytes - a.bytes)) {
    left = left.toSorted(byRoom);
    const allowed = left.filter((room) => poolRefusal(need, room) === undefined);
    const [room] = allowed;
    if (!room) return `has no pool that may have it: ${whyNone(need, rooms, node)}`;
    if (room.leftBytes < need.bytes)
      return `has ${formatSize(Math.max(0, room.leftBytes))} left, and ${formatSize(need.bytes)} are wanted`;
    chosen.set(n, room.name);
    left = left.map((one) => (one === room ? { ...one, leftBytes: one.leftBytes - need.bytes } : one));
  }
  return needs.map((_, n) => chosen.get(n) ?? '');
}

const whyNone = (need: Need, rooms: readonly Room[], node: ActorState<'node'>): string =>
  rooms.map((room) => placeRefusal(need, node, room)).join(', ');
