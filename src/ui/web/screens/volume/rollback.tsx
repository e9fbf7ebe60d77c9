/** Going back to a snapshot: what it leaves behind is said before, and agreed to. */
import { Checkbox } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { leftBehind } from '#actors/volume/lineage.ts';
import { writtenWords } from '#io/contract/rollback.ts';
import type { SnapshotRow } from '#projections/views/snapshots.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { Time } from '../../components/time.tsx';
import { momentOf, reasonWords } from '../../format/snapshot-words.ts';
import { rest } from '../../live/clients.tsx';
import classes from './snapshots.module.css';

interface RollbackProps {
  readonly volume: VolumeRow;
  readonly snapshot: SnapshotRow;
  /** Of the volume, newest first. */
  readonly snapshots: readonly SnapshotRow[];
  readonly onClose: () => void;
}

/** So many are named. */
const named = 5;

export function Rollback({ volume, snapshot, snapshots, onClose }: RollbackProps) {
  const [isPastNewer, setPastNewer] = useState(false);
  const { namespace, name } = volume;
  const preview = useQuery({
    queryKey: ['rollback', volume.id, snapshot.name],
    queryFn: ({ signal }) => rest.previewRollback({ namespace, name }, snapshot.name, { signal }),
    retry: false,
    gcTime: 0,
  });
  const available = snapshots.filter(({ state }) => state === 'available');
  const newer = leftBehind(snapshot, available, volume.lineages);
  const count = newer.length === 1 ? 'one newer snapshot' : `${newer.length} newer snapshots`;
  return (
    <PlanDialog
      title={`Roll ${volume.name} back to ${snapshot.name}`}
      command="rollback-volume"
      input={{
        namespace: volume.namespace,
        name: volume.name,
        snapshot: snapshot.name,
        ...(isPastNewer ? { pastNewer: true } : {}),
      }}
      confirm="Roll back"
      isBegun={newer.length === 0 || isPastNewer}
      undo="Nothing is lost: what is there now is kept as a stash snapshot, and you can go back to that."
      onClose={onClose}
    >
      <p>
        The data will be as it was <Time at={momentOf(snapshot)} />.{' '}
        <span role="status">
          {preview.isPending ? 'Counting what was written since then …' : writtenWords(preview.data ?? {})}
        </span>{' '}
        It will be in the stash:{' '}
        <Link
          className="link"
          to="/volumes/$namespace/$name/files"
          params={{ namespace: volume.namespace, name: volume.name }}
          search={{ snapshot: snapshot.name, compare: 'now' }}
        >
          compare the files
        </Link>
        .
      </p>
      {newer.length > 0 && (
        <>
          <ul className={classes['newer']} aria-label="Newer snapshots">
            {newer.slice(0, named).map((row) => (
              <li key={row.id}>
                <code>{row.name}</code> <Time at={momentOf(row)} />, {reasonWords(row)}
              </li>
            ))}
            {newer.length > named && <li>and {newer.length - named} more</li>}
          </ul>
          <Checkbox
            label={`Go back past ${count}`}
            description="They stay, in the line of the history that is left; new snapshots go on from here."
            checked={isPastNewer}
            onChange={(event) => setPastNewer(event.currentTarget.checked)}
          />
        </>
      )}
    </PlanDialog>
  );
}
