/** What is asked of a backup, with what will happen and how to undo it. */
import { Checkbox } from '@mantine/core';
import { useState } from 'react';
import type { BackupRow } from '#projections/views/backups.ts';
import { PlanDialog } from './plan-dialog.tsx';
import { RestoreBackup } from './restore-backup.tsx';

export type BackupAct = 'restore' | 'verify' | 'cancel' | 'forget' | 'remove';

interface BackupDialogProps {
  readonly act: BackupAct;
  readonly row: BackupRow;
  readonly onClose: () => void;
}

export function BackupDialog({ act, row, onClose }: BackupDialogProps) {
  const { name, namespace, volumeName, target } = row;
  const input = { namespace, name };
  switch (act) {
    case 'restore':
      return <RestoreBackup row={row} onClose={onClose} />;
    case 'verify':
      return <Verify row={row} onClose={onClose} />;
    case 'cancel':
      return (
        <PlanDialog
          title={`Cancel ${name}`}
          command="cancel-backup"
          input={input}
          confirm="Cancel the backup"
          undo={`What it has written to ${target.name} so far goes again. Back ${volumeName} up at any time.`}
          onClose={onClose}
        />
      );
    case 'forget':
      return (
        <PlanDialog
          title={`Forget ${name}`}
          command="remove-backup"
          input={{ ...input, forget: true }}
          confirm="Forget it"
          undo={`What lies in ${target.name} stays. When the lab looks at that target again, it finds the backup there.`}
          onClose={onClose}
        />
      );
    case 'remove':
      return (
        <PlanDialog
          title={`Remove ${name}`}
          command="remove-backup"
          input={{ ...input, forget: false }}
          confirm="Remove backup"
          danger
          typeName={name}
          undo={`This cannot be undone. Volume ${volumeName} and its other backups are not touched; room in ${target.name} is free again after its next prune.`}
          onClose={onClose}
        />
      );
  }
}

function Verify({ row: { namespace, name }, onClose }: Omit<BackupDialogProps, 'act'>) {
  const [restore, setRestore] = useState(false);
  return (
    <PlanDialog
      title={`Read ${name} back`}
      command="verify-backup"
      input={{ namespace, name, restore }}
      confirm={restore ? 'Restore it as a test' : 'Read it back'}
      undo="Nothing that is there changes: all of it is read and compared, which of a bucket is traffic."
      onClose={onClose}
    >
      <Checkbox
        label="Restore it as a test, too"
        description="Into a scratch volume, file by file; that is compared with what was backed up, and removed again."
        checked={restore}
        onChange={(event) => setRestore(event.currentTarget.checked)}
      />
    </PlanDialog>
  );
}
