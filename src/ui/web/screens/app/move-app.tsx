/** An app moves to another node, with all of its volumes: replicas there take their places. */
import { Checkbox, NativeSelect } from '@mantine/core';
import { useState } from 'react';
import type { AppRow } from '#projections/views/apps.ts';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { useView } from '../../live/use-view.ts';

interface Props {
  readonly app: AppRow;
  /** Name of the node that its volumes are on. */
  readonly from: string;
  readonly onClose: () => void;
}

export function MoveApp({ app, from, onClose }: Props) {
  const nodes = useView('nodes').rows.filter(
    ({ name, state, facts }) => name !== from && state !== 'waiting' && facts.pools.length > 0,
  );
  const [chosen, setChosen] = useState<string>();
  const [keepsReplica, setKeepsReplica] = useState(true);
  const node = chosen ?? nodes[0]?.name ?? '';
  return (
    <PlanDialog
      title={`Move ${app.name}`}
      command="move-app"
      input={{ namespace: app.namespace, name: app.name, node, replica: keepsReplica }}
      confirm="Move app"
      isReady={node !== ''}
      undo="Until it is decided there the move can be called off, and everything is as it was. After that, move it back."
      onClose={onClose}
    >
      <NativeSelect
        label="Node"
        data={nodes.map(({ name }) => ({ value: name, label: name }))}
        value={node}
        onChange={(event) => setChosen(event.currentTarget.value)}
      />
      <Checkbox
        label={`Keep what is on ${from} as replicas`}
        checked={keepsReplica}
        onChange={(event) => setKeepsReplica(event.currentTarget.checked)}
      />
    </PlanDialog>
  );
}
