/** How a pool goes out of the lab: nothing is done to what is in it. */
import type { AnyDraft } from '#events/envelope.ts';
import type { ActorState, LabView } from '../actor.ts';
import { draft } from '../drafting.ts';

/** It is managed no more, and so are its schedules. */
export const endOf = (pool: ActorState<'pool'>, lab: LabView): readonly AnyDraft[] => [
  ...schedulesOf(pool, lab),
  draft(pool.stream, 'pool.forgotten', {}),
];

/** Nothing is verified of it any more. */
export const schedulesOf = (pool: ActorState<'pool'>, lab: LabView): readonly AnyDraft[] =>
  lab.referrers(pool.stream, 'schedule').map(({ stream }) => draft(stream, 'schedule.removed', {}));

/** Its node says so itself a moment later; nothing is to be placed there in between. */
export function nowWithout({ context: { node, metadata } }: ActorState<'pool'>, lab: LabView): readonly AnyDraft[] {
  const { addresses, facts } = lab.get(node)?.context ?? {};
  if (!addresses || !facts?.pools.some(({ name }) => name === metadata.name)) return [];
  const pools = facts.pools.filter(({ name }) => name !== metadata.name);
  return [draft(node, 'node.facts-changed', { addresses: [...addresses], facts: { ...facts, pools } })];
}

/** Those of a node that goes. */
export const poolsGoneWith = (node: ActorState<'node'>, lab: LabView): readonly AnyDraft[] =>
  lab.referrers(node.stream, 'pool').flatMap((pool) => endOf(pool, lab));
