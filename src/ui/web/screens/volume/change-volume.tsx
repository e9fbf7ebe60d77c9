/** What can be changed of a volume where it is, what its retention would keep then, and what is fixed. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { parseKeep } from '#events/values/keep.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { changesOf, draftOf } from '../../format/volume-draft.ts';
import { count } from '../../format/who.ts';
import { rest } from '../../live/clients.tsx';
import { useView } from '../../live/use-view.ts';
import { keepHelp } from './new-volume.tsx';
import { HookFields, PlacingFields, SnapshotFields, StorageFields, Text } from './volume-fields.tsx';
import classes from './volume-fields.module.css';

interface ChangeProps {
  readonly volume: VolumeRow;
  readonly onClose: () => void;
  /** What is fixed is changed by that. */
  readonly onMove: () => void;
}

export function ChangeVolume({ volume, onClose, onMove }: ChangeProps) {
  // As it was when this was opened: what changes meanwhile is not taken for what somebody wrote.
  const [opened] = useState(volume);
  const [draft, setDraft] = useState(() => draftOf(volume));
  const services = useView('apps').rows.find(({ id }) => id === volume.app?.id)?.services ?? {};
  const read = changesOf(opened, draft);
  const troubles = 'troubles' in read ? read.troubles : {};
  const changes = 'changes' in read ? read.changes : {};
  const isReady = 'changes' in read && Object.keys(changes).length > 0;
  const fields = { draft, troubles, onChange: (more: Partial<typeof draft>) => setDraft({ ...draft, ...more }) };
  return (
    <PlanDialog
      title={`Change ${volume.name}`}
      command="change-volume"
      input={{ namespace: volume.namespace, name: volume.name, ...changes }}
      confirm="Change"
      isReady={isReady}
      isBegun={isReady}
      size={520}
      undo="A volume can grow while it is in use; it cannot shrink. All else can be changed back."
      onClose={onClose}
    >
      <Text {...fields} field="size" label="Size" first />
      <Text
        {...fields}
        field="growTo"
        label="Room to grow"
        description="Its pool keeps so much for it, its size included. Empty: none is kept."
      />
      <Text {...fields} field="keep" label="Snapshots to keep" description={keepHelp} />
      {troubles.keep === undefined && <WouldStay volume={volume} keep={draft.keep.trim()} />}
      <PlacingFields {...fields} />
      <StorageFields {...fields} isFixed={volume.state !== 'unplaced'} onMove={onMove} />
      <SnapshotFields {...fields}>
        {volume.app !== null && (
          <p className="muted">The next revision of app {volume.app.name} sets it to what its compose file says.</p>
        )}
      </SnapshotFields>
      <HookFields {...fields} services={Object.keys(services)} />
    </PlanDialog>
  );
}

/** What this retention would do to the snapshots that are there. */
function WouldStay({ volume, keep }: { readonly volume: VolumeRow; readonly keep: string }) {
  const { namespace, name } = volume;
  const { data } = useQuery({
    queryKey: ['retention', volume.id, keep],
    queryFn: ({ signal }) => rest.previewRetention({ namespace, name }, keep, { signal }),
    enabled: keep === '' || typeof parseKeep(keep) !== 'string',
    retry: false,
    gcTime: 0,
  });
  if (!data || data.items.length === 0) return null;
  const { kept, dropped, items } = data;
  const stay = `${kept} of ${count(items.length, 'snapshot')} ${kept === 1 ? 'stays' : 'stay'}`;
  if (dropped === 0) return <p className="muted">With that, {stay}.</p>;
  return (
    <details>
      <summary>
        With that, {stay}, and {dropped} {dropped === 1 ? 'goes' : 'go'}.
      </summary>
      <ul className={classes['names']} aria-label="What retention would do" tabIndex={0}>
        {items.map(({ snapshot, keep: stays, why }) => (
          <li key={snapshot}>
            <code>{snapshot}</code> {stays ? 'stays' : 'goes'}: <span className="muted">{why}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
