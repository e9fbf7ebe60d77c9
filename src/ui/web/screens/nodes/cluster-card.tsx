/** The group as this node knows it: who leads, whether a majority answers, and how far each member is. */
import type { ClusterMember, ClusterStatus } from '#io/contract/cluster.ts';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { NodeLink } from '../../components/links.tsx';
import { Facts, Section } from '../../components/page.tsx';
import { State } from '../../components/state.tsx';
import { behindWords, leaderOf, memberWords, quorumWords, reachOf } from '../../format/cluster.ts';
import { useCluster } from '../../live/use-cluster.ts';
import classes from './cluster-card.module.css';

export function ClusterCard() {
  const status = useCluster();
  if (!status) return null;
  const leader = leaderOf(status);
  const note = status.isChanging ? 'who votes is just being changed' : undefined;
  return (
    <Section title="Cluster" {...(note === undefined ? {} : { note })} bare>
      <Facts
        facts={[
          { label: 'Leader', value: leader === undefined ? nobodyWords(status) : <NodeLink name={leader} /> },
          { label: 'Quorum', value: quorumWords(status) },
          ...(status.simulated === undefined ? [{ label: 'Term', value: status.term.toLocaleString('en') }] : []),
          { label: 'Committed', value: `entry ${status.committed.toLocaleString('en')}` },
          ...(status.generation > 1 ? [{ label: 'Generation', value: `${status.generation}, after a recovery` }] : []),
        ]}
      />
      {status.simulated !== undefined && <p className={classes['note']}>{status.simulated}</p>}
      {status.isSuspect && (
        <p className={classes['note']}>
          This node has lost a part of its log. It does not vote until it is whole again.
        </p>
      )}
      {status.members.length > 1 && (
        <div className={classes['members']}>
          <DataTable
            label="Members"
            rows={status.members}
            columns={columns}
            rowKey={({ node, incarnation }) => `${node}.${incarnation}`}
          />
        </div>
      )}
    </Section>
  );
}

const nobodyWords = ({ simulated }: ClusterStatus): string =>
  simulated === undefined ? 'nobody' : 'one process, for all nodes';

const columns: readonly Column<ClusterMember>[] = [
  {
    id: 'name',
    title: 'Member',
    width: 'minmax(120px, 1.5fr)',
    cell: ({ name }) => <NodeLink name={name} />,
  },
  {
    id: 'vote',
    title: 'Vote',
    width: 'minmax(90px, 1fr)',
    cell: memberWords,
  },
  {
    id: 'state',
    title: 'State',
    width: 'minmax(104px, 1fr)',
    cell: (row) => {
      const [tone, words] = reachOf(row);
      return <State state={words} tone={tone} words={words} />;
    },
  },
  { id: 'behind', title: 'Behind', width: 'minmax(104px, 1fr)', cell: behindWords },
];
