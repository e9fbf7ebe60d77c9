/** One row for the whole lab: what it is and how its things are, by state. */
import type { ActorState } from '#actors/actor.ts';
import type { Kind } from '#events/envelope.ts';
import { defineProjection } from '../projection.ts';

const counted = ['app', 'volume', 'node', 'schedule'] as const satisfies readonly Kind[];
type Counted = (typeof counted)[number];

export interface OverviewRow {
  readonly name: string;
  readonly uuid: string;
  readonly timeZone: string;
  readonly createdAt: number;
  /** Kind → state → how many. */
  readonly counts: Readonly<Record<Counted, Readonly<Record<string, number>>>>;
  /** Nodes that get nothing new, whatever their state. */
  readonly cordoned: number;
}

const overviewKey = 'lab';

const nothing: OverviewRow = {
  name: '',
  uuid: '',
  timeZone: 'UTC',
  createdAt: 0,
  counts: { app: {}, volume: {}, node: {}, schedule: {} },
  cordoned: 0,
};

export const overviewView = defineProjection<OverviewRow>({
  name: 'overview',
  version: 2,
  keeps: 'table',
  apply: (rows, { before, after }) => {
    const row = rows.get(overviewKey) ?? nothing;
    if (after?.kind === 'cluster') {
      const { context, createdAt } = after as ActorState<'cluster'>;
      const { name, uuid } = context.metadata;
      rows.put(overviewKey, { ...row, name, uuid, timeZone: context.timeZone, createdAt });
      return;
    }
    const kind = after?.kind as Counted;
    if (!after || !counted.includes(kind)) return;
    const from = before && !before.final ? before.state : undefined;
    const to = after.final ? undefined : after.state;
    const cordoned = row.cordoned + Number(isCordoned(after)) - Number(isCordoned(before));
    if (from === to && cordoned === row.cordoned) return;
    const counts = { ...row.counts[kind] };
    if (from !== undefined && from !== to) {
      const left = (counts[from] ?? 0) - 1;
      if (left > 0) counts[from] = left;
      else delete counts[from];
    }
    if (to !== undefined && from !== to) counts[to] = (counts[to] ?? 0) + 1;
    rows.put(overviewKey, { ...row, counts: { ...row.counts, [kind]: counts }, cordoned });
  },
  scope: () => ({ verb: 'read', kind: 'cluster' }),
});

const isCordoned = (actor: ActorState | undefined): boolean =>
  actor?.kind === 'node' && !actor.final && (actor as ActorState<'node'>).context.cordoned;
