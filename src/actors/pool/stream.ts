/** How pools are addressed: names are unique on their node. */
import { idOf, streamOf, type StreamId } from '#events/envelope.ts';
import type { ActorState, LabView } from '../actor.ts';

export const poolStream = (node: StreamId<'node'>, name: string): StreamId<'pool'> =>
  streamOf('pool', `${idOf(node)}/${name}`);

/** The node that it is on, by its address alone. */
export const nodeOfPool = (pool: StreamId<'pool'>): StreamId<'node'> =>
  streamOf('node', idOf(pool).split('/')[0] ?? '');

/** `atlas/main`, as people say it. */
export function poolTitle(pool: ActorState<'pool'>, lab: LabView): string {
  const { node, metadata } = pool.context;
  return `${lab.get(node)?.context.metadata.name ?? idOf(node)}/${metadata.name}`;
}
