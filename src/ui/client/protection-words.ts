/** How well a volume is kept elsewhere, in words, the same in every face. Pure. */
import { formatDuration } from '#events/values/duration.ts';
import { formatSize } from '#events/values/size.ts';
import type { ReplicaLoss } from '#io/contract/replica-loss.ts';
import type { PoolRow } from '#projections/views/pools.ts';
import type { VolumeReplica, VolumeRow } from '#projections/views/volumes.ts';

const secondMs = 1000;

type Kept = Pick<VolumeRow, 'replicas' | 'lastSnapshotAt'>;

/** How much older what a replica holds is than the newest snapshot; undefined: it holds nothing. */
export const behindMs = (
  { holds }: { readonly holds: { readonly takenAt: number } | null },
  { lastSnapshotAt }: Pick<VolumeRow, 'lastSnapshotAt'>,
): number | undefined => (holds ? Math.max(0, (lastSnapshotAt ?? 0) - holds.takenAt) : undefined);

/** `up to date`, `41 s behind`, `nothing yet` */
export function lagWords(behind: number | undefined): string {
  if (behind === undefined) return 'nothing yet';
  return behind === 0 ? 'up to date' : `${formatDuration(Math.max(secondMs, behind - (behind % secondMs)))} behind`;
}

/**
 * What would be lost with a replica: `at most the last 12 s, about 4.0 MiB`, `unknown`, `nobody says`. Only its node knows.
 * @param loss null: its node says nothing
 */
export function lossWords(loss: ReplicaLoss | null): string {
  if (loss === null) return 'nobody says: its node cannot be heard';
  const bytes = loss.bytes === null ? '' : `, about ${formatSize(loss.bytes)}`;
  if (loss.seconds === null) return `unknown, it may be everything since its snapshot${bytes}`;
  return `at most the last ${formatDuration(loss.seconds * secondMs)}${bytes}`;
}

/** In a column: `12 s`, `unknown`, `–` */
export function lossInShort(loss: Pick<ReplicaLoss, 'seconds'> | null | undefined): string {
  if (!loss) return '–';
  return loss.seconds === null ? 'unknown' : formatDuration(loss.seconds * secondMs);
}

/** The one that would lose least first. */
export const freshestFirst = (row: Kept): readonly VolumeReplica[] =>
  row.replicas.toSorted((a, b) => (behindMs(a, row) ?? Number.MAX_VALUE) - (behindMs(b, row) ?? Number.MAX_VALUE));

/** `up to date on vega`, `41 s behind on vega`, `no replica`. */
export function protectionWords(row: Kept): string {
  const words = freshestFirst(row).map((replica) => {
    const state = ['idle', 'syncing'].includes(replica.state) ? '' : ` (${replica.state})`;
    return `${lagWords(behindMs(replica, row))} on ${replica.node.name}${state}`;
  });
  return words.length === 0 ? 'no replica' : words.join(', ');
}

/** A pool of which nothing can be reached. */
export const isAway = ({ state, problems }: Pick<PoolRow, 'state' | 'problems'>): boolean =>
  state === 'unavailable' || problems.some(({ code }) => awayCodes.includes(code));

const awayCodes: readonly string[] = ['pool-missing', 'pool-unavailable', 'pool-silent', 'pool-stopped'];

/**
 * What could be brought back of a volume whose own data is out of reach, the freshest first: `vega holds it as of 3 h
 * ago (monday); polaris holds nothing yet`.
 */
export function copiesWords(row: Kept, ago: (at: number) => string): string {
  const words = freshestFirst(row).map(({ node, holds, name }) =>
    holds
      ? `${node.name} holds it as of ${ago(holds.takenAt)} (${holds.name}, replica ${name})`
      : `${node.name} holds nothing yet`,
  );
  return words.length === 0 ? 'none on another node: what there is is in a backup, if there is one' : words.join('; ');
}
