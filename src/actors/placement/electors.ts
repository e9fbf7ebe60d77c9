/** The nodes of the lab as `voters.ts` and `learners.ts` ask for them. */
import type { StreamId } from '#events/envelope.ts';
import type { LabView } from '../actor.ts';
import { membersOf } from '../node/known.ts';
import type { Elector } from './voters.ts';

export const zoneLabel = 'zone';

/** What the leader knows of a node by its links. */
export type Contact = Pick<Elector, 'reachable' | 'since' | 'caughtUp'>;

/** Nodes that wait, or have no incarnation, are no peers of anybody. */
export const electorsOf = (lab: LabView, contact: (node: StreamId<'node'>) => Contact): readonly Elector[] =>
  membersOf(lab).flatMap(({ stream, context: { incarnation, metadata, role, departing } }) => {
    if (incarnation === null) return [];
    const zone = metadata.labels[zoneLabel] ?? null;
    return [
      { node: stream, name: metadata.name, incarnation, role, departing: departing !== null, zone, ...contact(stream) },
    ];
  });
