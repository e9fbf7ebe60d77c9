/** Whether the lab can decide: of its voters, how many answer, and who leads. */
import { Link } from '@tanstack/react-router';
import type { ClusterStatus } from '#io/contract/cluster.ts';
import { quorumOf } from '#ui/client/quorum.ts';
import { Glyph } from '../components/state.tsx';
import type { Tone } from '../format/state.ts';
import { leaderOf, quorumWords } from '../format/cluster.ts';
import { useClusterPolling } from '../live/use-cluster.ts';
import classes from './quorum-dot.module.css';

export function QuorumDot() {
  const status = useClusterPolling();
  // There is no majority to speak of where one process decides for all simulated nodes.
  if (!status || status.simulated !== undefined) return null;
  const { answering, voters } = quorumOf(status);
  const leader = leaderOf(status);
  const words = `${quorumWords(status)}; ${leader === undefined ? 'nobody leads' : `${leader} leads`}`;
  return (
    <Link
      to="/nodes"
      className={classes['dot']}
      aria-label={`Quorum ${answering}/${voters}: ${words}`}
      data-tip={words}
    >
      <Glyph tone={toneFor(status, answering === voters)} />
      <span className={classes['count']}>
        {answering}/{voters}
      </span>
    </Link>
  );
}

function toneFor({ hasQuorum, leader }: ClusterStatus, isWhole: boolean): Tone {
  if (!hasQuorum || leader === undefined) return 'failed';
  return isWhole ? 'running' : 'attention';
}
