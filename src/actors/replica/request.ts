/** Asking for a replica: its name, and the fact that asks for it. */
import { streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import type { ActorState, Ask, LabView } from '../actor.ts';
import { draft, newMetadata } from '../drafting.ts';

/** @param nth id of the command that it takes */
export function requestedReplica(
  ask: Ask<unknown>,
  volume: ActorState<'volume'>,
  place: { readonly node: StreamId<'node'>; readonly pool: string },
  manual: boolean,
  lab: LabView,
  nth = 1,
): AnyDraft {
  const id = ask.id(nth);
  const { name, namespace } = volume.context.metadata;
  const node = lab.get(place.node)?.context.metadata.name ?? 'node';
  return draft(streamOf('replica', id), 'replica.requested', {
    metadata: newMetadata(id, freeReplicaName(name, node, namespace, lab), namespace),
    volume: volume.stream,
    ...place,
    dataset: id,
    manual,
  });
}

/** `photos-data-on-vega`, or the first of `…-2`, `…-3` … that no replica has; long names are cut. */
export function freeReplicaName(volume: string, node: string, namespace: string, lab: LabView): string {
  for (let n = 1; ; n++) {
    const end = `-on-${node.slice(0, 24)}${n === 1 ? '' : `-${n}`}`;
    const name = `${volume.slice(0, 63 - end.length)}${end}`;
    if (!lab.byName('replica', namespace, name)) return name;
  }
}
