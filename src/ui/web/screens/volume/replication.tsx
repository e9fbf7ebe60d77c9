/** How many replicas the lab keeps of a volume by itself, where, and when they are brought up to date. */
import { Checkbox, TextInput } from '@mantine/core';
import { useState } from 'react';
import { changedReplicas } from '#actors/volume/replicating.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { cronInWords } from '../../format/cron-words.ts';
import { changesIn, draftOf, replicationInWords, type ReplicationDraft } from '../../format/replication-draft.ts';

interface Props {
  readonly volume: VolumeRow;
  readonly onClose: () => void;
}

export function Replication({ volume, onClose }: Props) {
  const [draft, setDraft] = useState(() => draftOf(volume.replication));
  const read = changesIn(draft, volume.replication);
  const troubles = 'troubles' in read ? read.troubles : {};
  const isReady = !('troubles' in read);
  const change = (changes: Partial<ReplicationDraft>): void => setDraft((before) => ({ ...before, ...changes }));
  const isNone = draft.count.trim() === '0';
  const text = (field: Exclude<keyof ReplicationDraft, 'spread' | 'compress'>) => ({
    value: draft[field],
    error: troubles[field],
    autoComplete: 'off',
    spellCheck: false,
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => change({ [field]: event.currentTarget.value }),
  });
  return (
    <PlanDialog
      title={`What is kept of ${volume.name}`}
      command="change-volume"
      input={{
        namespace: volume.namespace,
        name: volume.name,
        replicas: 'changes' in read ? read.changes : null,
      }}
      confirm="Save"
      isReady={isReady}
      isBegun={isReady}
      undo="Change it back at any time. Replicas that are too many then are removed, without those that a person asked for."
      onClose={onClose}
    >
      <TextInput
        label="Replicas that the lab keeps"
        description="On other nodes; 0: none by itself."
        inputMode="numeric"
        data-autofocus
        {...text('count')}
      />
      {!isNone && (
        <>
          <TextInput
            label="Brought up to date"
            description={
              draft.cron.trim() === ''
                ? 'Empty: as soon as there is a snapshot. Or a cron line: 30 2 * * *.'
                : (cronInWords(draft.cron.trim()) ?? 'Minute, hour, day of month, month, day of week.')
            }
            {...text('cron')}
          />
          <TextInput
            label="Lost at most"
            description="Of what was written last, if this volume went now. When it would be more for a minute, there is an alert. Empty: nobody says."
            placeholder="5m"
            {...text('mayLose')}
          />
          <TextInput label="Only on nodes with the labels" placeholder="zone=attic, disk=ssd" {...text('nodes')} />
          <Checkbox
            label="Each copy in another zone"
            checked={draft.spread}
            onChange={(event) => change({ spread: event.currentTarget.checked })}
          />
          <TextInput label="Streams begin only from – to" placeholder="22:00-06:00" {...text('window')} />
          <TextInput label="Bytes a second, at most" placeholder="10MiB" {...text('limit')} />
          <Checkbox
            label="Compress streams on their way"
            checked={draft.compress}
            onChange={(event) => change({ compress: event.currentTarget.checked })}
          />
        </>
      )}
      {'changes' in read && (
        <p role="status">
          {replicationInWords(read.changes && changedReplicas(volume.replication ?? undefined, read.changes))}
        </p>
      )}
    </PlanDialog>
  );
}
