/** One row for the whole lab: what it is, how its things are, by state, and what it cannot promise in its size. */
import type { ActorState } from '#actors/actor.ts';
import { isMember } from '#actors/node/known.ts';
import type { Kind } from '#events/envelope.ts';
import { defineProjection } from '../projection.ts';
import { isPlain, promisesOf, toleranceOf, type LabSize } from '../promises.ts';

const counted = ['app', 'volume', 'node', 'schedule', 'replica'] as const satisfies readonly Kind[];
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
  readonly size: LabSize;
  /** How many voters may fail at once while the lab goes on deciding. */
  readonly tolerates: number;
  /** What a lab of this size can bear and what it cannot, as sentences. */
  readonly promises: readonly string[];
  /** Raised by every recovery. */
  readonly generation: number;
}

const overviewKey = 'lab';

const empty: LabSize = { machines: 0, witnesses: 0, eligible: 0, voters: 1, plain: 0 };

const nothing: OverviewRow = {
  name: '',
  uuid: '',
  timeZone: 'UTC',
  createdAt: 0,
  counts: { app: {}, volume: {}, node: {}, schedule: {}, replica: {} },
  cordoned: 0,
  generation: 1,
  ...sized(empty),
};

export const overviewView = defineProjection<OverviewRow>({
  name: 'overview',
  version: 6,
  keeps: 'table',
  apply: (rows, { before, after }) => {
    const row = rows.get(overviewKey) ?? nothing;
    if (after?.kind === 'cluster') {
      const { context, createdAt } = after as ActorState<'cluster'>;
      const { name, uuid } = context.metadata;
      const { timeZone, generation, members } = context;
      // A lab of one machine has no group: that machine decides.
      const size = { ...row.size, voters: members?.voters.length ?? 1 };
      rows.put(overviewKey, { ...row, name, uuid, timeZone, createdAt, generation, ...sized(size) });
      return;
    }
    const kind = after?.kind as Counted;
    if (!after || !counted.includes(kind)) return;
    const from = before && !before.final ? before.state : undefined;
    const to = after.final ? undefined : after.state;
    const cordoned = row.cordoned + Number(isCordoned(after)) - Number(isCordoned(before));
    const size = resized(row.size, before, after);
    if (from === to && cordoned === row.cordoned && size === row.size) return;
    const counts = { ...row.counts[kind] };
    if (from !== undefined && from !== to) {
      const left = (counts[from] ?? 0) - 1;
      if (left > 0) counts[from] = left;
      else delete counts[from];
    }
    if (to !== undefined && from !== to) counts[to] = (counts[to] ?? 0) + 1;
    const grown = size === row.size ? {} : sized(size);
    rows.put(overviewKey, { ...row, counts: { ...row.counts, [kind]: counts }, cordoned, ...grown });
  },
  scope: () => ({ verb: 'read', kind: 'cluster' }),
});

const isCordoned = (actor: ActorState | undefined): boolean =>
  actor?.kind === 'node' && !actor.final && (actor as ActorState<'node'>).context.cordoned;

function sized(size: LabSize): Pick<OverviewRow, 'size' | 'tolerates' | 'promises'> {
  return { size, tolerates: toleranceOf(size.voters), promises: promisesOf(size) };
}

type Share = Omit<LabSize, 'voters'>;

/** What one node adds to the size of the lab; one that waits, or is gone, adds nothing. */
function shareOf(actor: ActorState | undefined): Share {
  if (actor?.kind !== 'node' || !isMember(actor as ActorState<'node'>)) return empty;
  const { context } = actor as ActorState<'node'>;
  const { role } = context;
  const isWitness = role === 'witness';
  return {
    plain: Number(isPlain(context)),
    machines: Number(!isWitness),
    witnesses: Number(isWitness),
    eligible: Number(role !== 'learner'),
  };
}

function resized(size: LabSize, before: ActorState | undefined, after: ActorState): LabSize {
  const [was, is] = [shareOf(before), shareOf(after)];
  const keys = ['machines', 'witnesses', 'eligible', 'plain'] as const;
  if (keys.every((key) => was[key] === is[key])) return size;
  const grown = keys.map((key) => [key, (size[key] ?? 0) + (is[key] ?? 0) - (was[key] ?? 0)] as const);
  return { ...size, ...Object.fromEntries(grown) };
}
