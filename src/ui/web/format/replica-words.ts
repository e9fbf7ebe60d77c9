/** Replicas in words and looks: what state one is in, and how well a volume is kept by all of its. */
import { behindMs, freshestFirst, lagWords } from '#ui/client/protection-words.ts';
import type { ReplicaRow } from '#projections/views/replicas.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { stateWords, type Tone } from './state.ts';

type Facts = Pick<ReplicaRow, 'state' | 'holds' | 'retryAt' | 'behindSince' | 'problem'>;

export function replicaTone({ state, holds, retryAt, behindSince }: Facts): Tone {
  switch (state) {
    case 'idle':
      if (behindSince !== null || retryAt !== null) return 'attention';
      return holds === null ? 'changing' : 'running';
    case 'paused':
      return 'off';
    case 'failed':
    case 'orphaned':
      return 'failed';
    default:
      return behindSince === null ? 'changing' : 'attention';
  }
}

export function replicaStateWords({ state, holds, retryAt, problem }: Facts): string {
  if (state === 'failed' && problem?.code === 'DIVERGED') return 'diverged';
  if (state === 'orphaned') return 'all that is left';
  if (state !== 'idle') return stateWords(state);
  if (retryAt !== null) return 'tries again';
  return holds === null ? 'waiting' : 'follows';
}

/** Whether it does what is expected of it. */
const isWell = ({ state, behindSince }: VolumeRow['replicas'][number]): boolean =>
  behindSince === null && state !== 'failed' && state !== 'orphaned';

/** `up to date, vega`; `41 s behind, vega +1`; `no replica`: of the one that would lose least. */
export function protectionInShort(row: Pick<VolumeRow, 'replicas' | 'lastSnapshotAt' | 'replication'>): {
  readonly words: string;
  readonly tone: Tone;
} {
  const [best, ...others] = freshestFirst(row);
  if (!best) return { words: 'no replica', tone: row.replication === null ? 'off' : 'attention' };
  const more = others.length === 0 ? '' : ` +${others.length}`;
  const tone = [best, ...others].every(isWell) ? (best.holds === null ? 'changing' : 'running') : 'attention';
  return { words: `${lagWords(behindMs(best, row))}, ${best.node.name}${more}`, tone };
}
