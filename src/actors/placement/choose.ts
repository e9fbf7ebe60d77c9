/**
 * Which node: filters that each explain their refusal, then the one with the most free room (Cobalt's rule: a node
 * fits when free ≥ wanted, free = size × fill limit − what its volumes may grow to). Ties go to the smaller id.
 */
import type { PublishedPort } from '#events/app.ts';
import type { StreamId } from '#events/envelope.ts';
import { formatSize } from '#events/values/size.ts';
import type { ActorState, LabView } from '../actor.ts';
import { portHeldOn } from '../app/ports.ts';
import { portKey } from '../compose/port-clash.ts';
import { leftOf } from './capacity.ts';

export interface Wish {
  readonly sizeBytes: number;
  readonly needsPool: boolean;
  /** Nodes that already hold data of the app; empty: any. */
  readonly only: readonly StreamId<'node'>[];
  /** What an app publishes there. */
  readonly publishes?: { readonly app: StreamId<'app'>; readonly ports: readonly PublishedPort[] };
}

export interface Candidate {
  readonly node: StreamId<'node'>;
  readonly name: string;
  readonly freeBytes: number;
  readonly pool?: string;
  /** Why not; absent when it fits. */
  readonly refused?: string;
}

export interface Choice {
  readonly node: StreamId<'node'> | undefined;
  readonly pool: string | undefined;
  /** All nodes, the chosen one first, with the reasons. */
  readonly candidates: readonly Candidate[];
}

export function choose(lab: LabView, wish: Wish): Choice {
  const candidates = lab
    .list('node')
    .map((node) => judge(node, wish, lab))
    .toSorted(
      (a, b) =>
        Number(a.refused !== undefined) - Number(b.refused !== undefined) ||
        b.freeBytes - a.freeBytes ||
        (a.node < b.node ? -1 : 1),
    );
  const best = candidates.find(({ refused }) => refused === undefined);
  return { node: best?.node, pool: best?.pool, candidates };
}

function judge(node: ActorState<'node'>, wish: Wish, lab: LabView): Candidate {
  const pool = roomiest(node, lab);
  const about = { node: node.stream, name: node.context.metadata.name, freeBytes: Math.max(0, pool?.freeBytes ?? 0) };
  const refused = refusal(node, wish, pool, lab);
  return { ...about, ...(pool ? { pool: pool.name } : {}), ...(refused === undefined ? {} : { refused }) };
}

function refusal(
  node: ActorState<'node'>,
  wish: Wish,
  pool: { freeBytes: number } | undefined,
  lab: LabView,
): string | undefined {
  if (node.state !== 'up') return 'does not answer';
  if (wish.only.length > 1) return 'the volumes of the app are on several nodes';
  if (wish.only.length === 1 && wish.only[0] !== node.stream) return 'does not hold the volumes of the app';
  // An app whose data is here goes on here, even when the node gets nothing new.
  if (node.context.cordoned && wish.only.length === 0) return 'is cordoned';
  if (node.context.facts.engine === null) return 'has no container engine';
  if (wish.needsPool && !pool) return 'has no pool';
  if (wish.needsPool && pool && pool.freeBytes < wish.sizeBytes) {
    return `has ${formatSize(Math.max(0, pool.freeBytes))} left, and ${formatSize(wish.sizeBytes)} are wanted`;
  }
  const held = wish.publishes && portHeldOn(node.stream, wish.publishes, lab);
  return held && `publishes port ${portKey(held.port)} for app ${held.app}`;
}

/** Of several pools the one with the most room. */
function roomiest(node: ActorState<'node'>, lab: LabView): { name: string; freeBytes: number } | undefined {
  return node.context.facts.pools
    .map((pool) => ({ name: pool.name, freeBytes: leftOf(pool, node, lab) }))
    .toSorted((a, b) => b.freeBytes - a.freeBytes || (a.name < b.name ? -1 : 1))[0];
}
