/** How rows speak of other objects: by id to go on with, by name to show. */
import type { LabView } from '#actors/actor.ts';
import type { StreamId } from '#events/envelope.ts';

export interface Ref {
  readonly id: StreamId;
  readonly name: string;
}

export function refTo(lab: LabView, stream: StreamId | null | undefined): Ref | null {
  if (stream === null || stream === undefined) return null;
  return { id: stream, name: lab.get(stream)?.context.metadata.name ?? stream };
}
