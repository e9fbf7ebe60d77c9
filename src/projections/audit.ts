/**
 * The history of each object: its stream is the group; the words are in `activity`, under the same index. What happened
 * to an instance has happened to its app, too: people ask for that, and instances come and go.
 */
import { defineProjection } from './projection.ts';
import { indexKey } from './views/activity.ts';
import { kindOf, type Kind } from '#events/envelope.ts';
import type { ActorState } from '#actors/actor.ts';

export interface AuditRow {
  readonly index: number;
  readonly kind: Kind;
}

export const auditProjection = defineProjection<AuditRow>({
  name: 'audit',
  version: 2,
  keeps: 'log',
  apply: (rows, { event, after }) => {
    const row: AuditRow = { index: event.index, kind: kindOf(event.stream) };
    rows.put(`${event.stream}|${indexKey(event.index)}`, row);
    if (after?.kind === 'instance') {
      rows.put(`${(after as ActorState<'instance'>).context.app}|${indexKey(event.index)}`, row);
    }
  },
  scope: (row) => ({ verb: 'read', kind: row.kind }),
});
