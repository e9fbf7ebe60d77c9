import { Checkbox } from '@mantine/core';
import { useState } from 'react';
import { recoverableMs } from '#actors/volume/commands.ts';
import type { AppRow } from '#projections/views/apps.ts';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { inDays } from '../../format/time.ts';
import { count } from '../../format/who.ts';

interface RemoveAppProps {
  readonly app: AppRow;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

export function RemoveApp({ app, onClose, onDone }: RemoveAppProps) {
  const [withVolumes, setWithVolumes] = useState(false);
  const volumes = count(app.volumes.length, 'volume');
  return (
    <PlanDialog
      title={`Remove ${app.name}`}
      command="remove-app"
      input={{ namespace: app.namespace, name: app.name, withVolumes }}
      confirm={withVolumes ? 'Remove app and data' : 'Remove app'}
      danger
      undo={
        withVolumes
          ? `Its volumes can be recovered within ${inDays(recoverableMs)}: they are in the list of volumes until then, and take their room.`
          : 'Deploy the same compose file again: an app of the same name takes its volumes back.'
      }
      onClose={onClose}
      onDone={onDone}
    >
      {app.volumes.length > 0 && (
        <Checkbox
          label={`Delete its ${volumes} with all snapshots, too`}
          description={app.volumes.map(({ name }) => name).join(', ')}
          checked={withVolumes}
          onChange={(event) => setWithVolumes(event.currentTarget.checked)}
        />
      )}
    </PlanDialog>
  );
}
