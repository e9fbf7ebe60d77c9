/** A volume moves: into another dataset of its node, or to another node, where a replica takes its place. */
import { Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { formatDuration, parseDuration } from '#events/values/duration.ts';
import { formatSize } from '#events/values/size.ts';
import { compression as compressions, recordSize as recordSizes } from '#events/volume.ts';
import { recoverableMs, volumeCommands } from '#actors/volume/commands.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { plainSpan } from '../../format/volume-draft.ts';
import { useView } from '../../live/use-view.ts';
import { compressionChoices, recordSizeChoices } from './volume-fields.tsx';

interface Props {
  readonly volume: VolumeRow;
  readonly onClose: () => void;
}

const asItIs = '';
const anywhere = '';

export function MoveVolume({ volume, onClose }: Props) {
  const nodes = useView('nodes').rows.filter(
    ({ id, state, facts }) => id === volume.node?.id || (state !== 'waiting' && facts.pools.length > 0),
  );
  const here = volume.node?.name ?? '';
  const [node, setNode] = useState(here);
  const [pool, setPool] = useState(volume.pool ?? anywhere);
  const [record, setRecord] = useState(asItIs);
  const [compression, setCompression] = useState(asItIs);
  const [keepFor, setKeepFor] = useState(plainSpan(recoverableMs));
  const [keepsReplica, setKeepsReplica] = useState(true);
  const isElsewhere = node !== here;
  const pools = nodes.find(({ name }) => name === node)?.facts.pools ?? [];
  const chosen = pools.find(({ name }) => name === pool);
  const keepForMs = volumeCommands['move-volume'].shape.keepForMs.safeParse(parseDuration(keepFor)).data;
  const input = {
    ...{ namespace: volume.namespace, name: volume.name },
    ...(chosen ? { pool: chosen.name } : {}),
    ...(isElsewhere
      ? { node, replica: keepsReplica }
      : {
          ...(record === asItIs ? {} : { recordSizeBytes: recordSizes.parse(Number(record)) }),
          ...(compression === asItIs ? {} : { compression: compressions.parse(compression) }),
          keepForMs,
        }),
  };
  const undo = isElsewhere
    ? 'Until it is decided there the move can be called off, and everything is as it was. After that, move it back.'
    : `What it is now stays for ${formatDuration(keepForMs ?? recoverableMs)} as a deleted volume, with its snapshots, and can be recovered.`;
  return (
    <PlanDialog
      title={`Move ${volume.name}`}
      command="move-volume"
      input={input}
      confirm="Move volume"
      isReady={isElsewhere || keepForMs !== undefined}
      undo={undo}
      onClose={onClose}
    >
      {nodes.length > 1 && (
        <NativeSelect
          label="Node"
          data={nodes.map(({ name }) => ({ value: name, label: name === here ? `${name} (where it is)` : name }))}
          value={node}
          onChange={({ currentTarget: { value } }) => {
            setNode(value);
            setPool(value === here ? (volume.pool ?? anywhere) : anywhere);
          }}
        />
      )}
      <NativeSelect
        label="Pool"
        data={[
          ...(isElsewhere ? [{ value: anywhere, label: 'Where its replica is, or any pool of it' }] : []),
          ...pools.map((one) => ({
            value: one.name,
            label: `${one.name} (${one.driver}, ${formatSize(one.sizeBytes)})`,
          })),
        ]}
        value={chosen?.name ?? anywhere}
        onChange={(event) => setPool(event.currentTarget.value)}
      />
      {isElsewhere && (
        <Checkbox
          label={`Keep what is on ${here} as a replica`}
          checked={keepsReplica}
          onChange={(event) => setKeepsReplica(event.currentTarget.checked)}
        />
      )}
      {!isElsewhere && chosen?.driver === 'zfs' && (
        <NativeSelect
          label="Record size"
          description="Small for databases, large for films."
          data={recordSizeChoices('as it is')}
          value={record}
          onChange={(event) => setRecord(event.currentTarget.value)}
        />
      )}
      {!isElsewhere && chosen?.driver !== 'dir' && (
        <NativeSelect
          label="Compression"
          data={compressionChoices('as it is')}
          value={compression}
          onChange={(event) => setCompression(event.currentTarget.value)}
        />
      )}
      {!isElsewhere && (
        <TextInput
          label="What it is now can be recovered for"
          value={keepFor}
          error={keepForMs === undefined ? 'Write a number with its unit, at least a minute: 12h, 30d.' : undefined}
          onChange={(event) => setKeepFor(event.currentTarget.value)}
        />
      )}
    </PlanDialog>
  );
}
