/** A replica that a person asks for: on the node of his choice, or where there is most room. */
import { NativeSelect } from '@mantine/core';
import { useState } from 'react';
import { formatSize } from '#events/values/size.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { useView } from '../../live/use-view.ts';

interface Props {
  readonly volume: VolumeRow;
  readonly onClose: () => void;
}

const anywhere = '';

export function CreateReplica({ volume, onClose }: Props) {
  const others = useView('nodes').rows.filter(
    ({ id, state, facts }) => id !== volume.node?.id && state !== 'waiting' && facts.pools.length > 0,
  );
  const [node, setNode] = useState(anywhere);
  const [pool, setPool] = useState(anywhere);
  const pools = others.find(({ name }) => name === node)?.facts.pools ?? [];
  const chosen = pools.find(({ name }) => name === pool);
  return (
    <PlanDialog
      title={`New replica of ${volume.name}`}
      command="create-replica"
      input={{
        namespace: volume.namespace,
        name: volume.name,
        ...(node === anywhere ? {} : { node }),
        ...(chosen ? { pool: chosen.name } : {}),
      }}
      confirm="Make replica"
      undo="Remove it at any time. It takes room in its pool, and stays until a person removes it."
      onClose={onClose}
    >
      <NativeSelect
        label="Node"
        data-autofocus
        data={[
          { value: anywhere, label: 'The one with the most room' },
          ...others.map(({ name }) => ({ value: name, label: name })),
        ]}
        value={node}
        onChange={(event) => {
          setNode(event.currentTarget.value);
          setPool(anywhere);
        }}
      />
      <NativeSelect
        label="Pool"
        disabled={node === anywhere}
        data={[
          { value: anywhere, label: 'Any pool of it' },
          ...pools.map(({ name, driver, sizeBytes }) => ({
            value: name,
            label: `${name} (${driver}, ${formatSize(sizeBytes)})`,
          })),
        ]}
        value={chosen?.name ?? anywhere}
        onChange={(event) => setPool(event.currentTarget.value)}
      />
      <p className="muted">
        All of the volume is sent once, then what each snapshot has changed. Between file systems that do not understand
        each other it goes file by file.
      </p>
    </PlanDialog>
  );
}
