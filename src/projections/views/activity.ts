/** Every event as it happened, with who and why: what people read, and what an auditor follows. */
import type { LabView } from '#actors/actor.ts';
import type { Evidence, Kind, LabEvent, Principal, StreamId } from '#events/envelope.ts';
import { defineProjection } from '../projection.ts';
import { refTo } from '../refs.ts';
import { wordsFor } from '../words.ts';

export interface ActivityRow {
  readonly index: number;
  readonly at: number;
  readonly id: string;
  readonly type: LabEvent['type'];
  readonly stream: StreamId;
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
  readonly version: number;
  /** One sentence. */
  readonly words: string;
  readonly by: string;
  /** `by` as people call it: the person, the policy, the name of the node. */
  readonly who: string;
  readonly command: string;
  readonly cause: string;
  readonly correlation: string;
  readonly because: Evidence | null;
  readonly data: LabEvent['data'];
}

export const indexKey = (index: number): string => String(index).padStart(12, '0');

export const activityView = defineProjection<ActivityRow>({
  name: 'activity',
  version: 2,
  keeps: 'log',
  isGapless: true,
  apply: (rows, step, lab) => {
    const { event, before, after } = step;
    const actor = after ?? before;
    const metadata = actor?.context.metadata;
    rows.put(indexKey(event.index), {
      index: event.index,
      at: event.at,
      id: event.id,
      type: event.type,
      stream: event.stream,
      kind: event.stream.slice(0, event.stream.indexOf(':')) as Kind,
      namespace: metadata?.namespace ?? '',
      name: metadata?.name ?? event.stream,
      version: event.version,
      words: wordsFor(step, lab),
      by: event.by,
      who: whoIs(event.by, lab),
      command: event.command,
      cause: event.cause,
      correlation: event.correlation,
      because: event.because ?? null,
      data: event.data,
    });
  },
  scope: (row) => ({ verb: 'read', kind: row.kind, namespace: row.namespace }),
});

const whoIs = (by: Principal, lab: LabView): string =>
  by.startsWith('node:') ? (refTo(lab, by as StreamId<'node'>)?.name ?? by) : by.slice(by.indexOf(':') + 1);
