/** What is asked of a replica, with what will happen and how to undo it. */
import { Radio } from '@mantine/core';
import { useState } from 'react';
import type { CommandName } from '#actors/commands.ts';
import type { ReplicaRow } from '#projections/views/replicas.ts';
import { PlanDialog } from './plan-dialog.tsx';
import classes from './plan-dialog.module.css';

type Plain = Extract<CommandName, 'sync-replica' | 'cancel-replica' | 'pause-replica' | 'resume-replica'>;
export type ReplicaAct = Plain | 'resync-replica' | 'remove-replica';

interface Words {
  readonly title: (name: string) => string;
  readonly confirm: string;
  readonly undo: string;
}

const plain: Readonly<Record<Plain, Words>> = {
  'sync-replica': {
    title: (name) => `Bring ${name} up to date`,
    confirm: 'Bring up to date',
    undo: 'What it holds now stays in it as an older snapshot. It can be cancelled while it goes on.',
  },
  'cancel-replica': {
    title: (name) => `Cancel the stream to ${name}`,
    confirm: 'Cancel the stream',
    undo: 'It keeps what it held before, and begins again when the next stream is due, or when somebody brings it up to date.',
  },
  'pause-replica': {
    title: (name) => `Pause ${name}`,
    confirm: 'Pause',
    undo: 'It keeps what it holds, and its volume keeps that snapshot for it. Resume it at any time.',
  },
  'resume-replica': {
    title: (name) => `Resume ${name}`,
    confirm: 'Resume',
    undo: 'Pause it again at any time.',
  },
};

interface ReplicaDialogProps {
  readonly act: ReplicaAct;
  readonly row: ReplicaRow;
  readonly onClose: () => void;
}

export function ReplicaDialog({ act, row, onClose }: ReplicaDialogProps) {
  if (act === 'resync-replica') return <Resync row={row} onClose={onClose} />;
  if (act === 'remove-replica') return <Remove row={row} onClose={onClose} />;
  const { title, confirm, undo } = plain[act];
  return (
    <PlanDialog
      title={title(row.name)}
      command={act}
      input={targetOf(row)}
      confirm={confirm}
      undo={undo}
      onClose={onClose}
    />
  );
}

const targetOf = ({ namespace, name }: ReplicaRow) => ({ namespace, name });

type OfReplica = Omit<ReplicaDialogProps, 'act'>;

function Resync({ row, onClose }: OfReplica) {
  const [keep, setKeep] = useState(true);
  return (
    <PlanDialog
      title={`Take ${row.name} back to its volume`}
      command="resync-replica"
      input={{ ...targetOf(row), keep }}
      confirm={keep ? 'Put aside and follow' : 'Destroy and follow'}
      danger={!keep}
      typeName={keep ? undefined : row.name}
      undo={
        keep
          ? 'What only it has is a deleted volume for a week: it is in the list of volumes, and can be recovered.'
          : 'This cannot be undone: what only it has is gone.'
      }
      onClose={onClose}
    >
      <Radio.Group
        label={`What becomes of what only it has, and ${row.volume.name} does not`}
        value={keep ? 'keep' : 'discard'}
        onChange={(value) => setKeep(value === 'keep')}
      >
        <div className={classes['choices']}>
          <Radio value="keep" label="It is kept for a week, as a deleted volume" />
          <Radio value="discard" label="It is destroyed" />
        </div>
      </Radio.Group>
    </PlanDialog>
  );
}

function Remove({ row, onClose }: OfReplica) {
  const isLast = row.state === 'orphaned';
  return (
    <PlanDialog
      title={`Remove ${row.name}`}
      command="remove-replica"
      input={targetOf(row)}
      confirm="Remove replica"
      danger
      typeName={isLast ? row.name : undefined}
      undo={
        isLast
          ? `This cannot be undone: it is all that is left of volume ${row.volume.name}.`
          : `${row.volume.name} stays as it is. Another replica can be made at any time; it begins from nothing.`
      }
      onClose={onClose}
    />
  );
}
