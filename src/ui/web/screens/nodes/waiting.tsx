/** Machines at the door: they asked to join without a token, and a person says yes or no. */
import { useState } from 'react';
import type { NodeRow } from '#projections/views/nodes.ts';
import { ActionButton } from '../../components/action-button.tsx';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { NodeLink } from '../../components/links.tsx';
import { FactLines, Section } from '../../components/page.tsx';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { Time } from '../../components/time.tsx';
import classes from './waiting.module.css';

export function WaitingNodes({ rows }: { readonly rows: readonly NodeRow[] }) {
  if (rows.length === 0) return null;
  return (
    <div className={classes['waiting']}>
      <Section title="Waiting to be let in" note={rows.length} bare>
        <DataTable label="Waiting to be let in" rows={rows} columns={columns} rowKey={({ id }) => id} />
      </Section>
    </div>
  );
}

/** Yes or no. Yes shows the key: whoever stands at the machine can read the same there. */
export function DoorButtons({ node }: { readonly node: NodeRow }) {
  const [dialog, setDialog] = useState<'approve' | 'refuse'>();
  const { name } = node;
  const close = (): void => setDialog(undefined);
  if (node.approved) return <span className="muted">Let in: it joins when it asks again.</span>;
  return (
    <span className={classes['buttons']}>
      <ActionButton size="compact-sm" variant="filled" onClick={() => setDialog('approve')}>
        Approve
      </ActionButton>
      <ActionButton size="compact-sm" onClick={() => setDialog('refuse')}>
        Refuse
      </ActionButton>
      {dialog === 'approve' && (
        <PlanDialog
          title={`Let ${name} in`}
          command="approve-node"
          input={{ name }}
          confirm="Approve"
          undo="A node that holds nothing can leave again at any time."
          onClose={close}
        >
          <FactLines
            facts={[
              { label: 'Asks from', value: node.addresses.join(', ') },
              { label: 'System', value: `${node.facts.os}, ${node.facts.architecture}` },
              { label: 'Key, SHA-256', value: <code>{node.keySha256 ?? 'not told'}</code> },
            ]}
          />
        </PlanDialog>
      )}
      {dialog === 'refuse' && (
        <PlanDialog
          title={`Send ${name} away`}
          command="refuse-node"
          input={{ name }}
          confirm="Refuse"
          danger
          undo="The machine can ask again, or join with a token."
          onClose={close}
        />
      )}
    </span>
  );
}

const columns: readonly Column<NodeRow>[] = [
  {
    id: 'name',
    title: 'Machine',
    width: 'minmax(120px, 1.2fr)',
    cell: ({ name }) => <NodeLink name={name} />,
  },
  {
    id: 'addresses',
    title: 'Asks from',
    width: 'minmax(120px, 1.5fr)',
    cell: ({ addresses }) => addresses.join(', '),
  },
  { id: 'since', title: 'Since', width: '64px', numeric: true, cell: ({ since }) => <Time at={since} as="since" /> },
  {
    id: 'key',
    title: 'Key',
    width: 'minmax(110px, 1fr)',
    wideOnly: true,
    cell: ({ keySha256 }) => <code data-tip={keySha256 ?? undefined}>{keySha256?.slice(0, 12) ?? '–'}</code>,
  },
  { id: 'door', title: '', width: 'minmax(180px, auto)', cell: (row) => <DoorButtons node={row} /> },
];
