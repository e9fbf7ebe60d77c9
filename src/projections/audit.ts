/** The history of each object: stream and index; the words are in `activity`, under the same index. */
import { defineProjection } from './projection.ts';
import { indexKey } from './views/activity.ts';
import type { Kind, StreamId } from '#events/envelope.ts';

export interface AuditRow {
  readonly index: number;
  readonly kind: Kind;
}

export const auditKey = (stream: StreamId, index: number): string => `${stream}|${indexKey(index)}`;

export const auditProjection = defineProjection<AuditRow>({
  name: 'audit',
  version: 1,
  keeps: 'log',
  apply: (rows, { event }) => {
    rows.put(auditKey(event.stream, event.index), {
      index: event.index,
      kind: event.stream.slice(0, event.stream.indexOf(':')) as Kind,
    });
  },
  scope: (row) => ({ verb: 'read', kind: row.kind }),
});
