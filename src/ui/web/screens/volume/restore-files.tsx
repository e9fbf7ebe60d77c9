/** Bringing a file or a folder of a snapshot back: what would be written is shown before it is. */
import { Checkbox, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { folderPath, typedPath } from '#events/values/tree-path.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { rest } from '../../live/clients.tsx';
import { DifferenceLine } from './file-differences.tsx';
import classes from './files.module.css';

interface RestoreProps {
  readonly volume: VolumeRow;
  readonly snapshot: string;
  /** At least one. */
  readonly paths: readonly string[];
  readonly onClose: () => void;
  readonly onDone: () => void;
}

const shownDifferences = 8;
/** Each is compared with what is there now. */
const shownPaths = 4;

export function RestoreFiles({ volume, snapshot, paths, onClose, onDone }: RestoreProps) {
  const { namespace, name } = volume;
  const [overwrite, setOverwrite] = useState(false);
  const [typed, setTyped] = useState('');
  const to = typedPath(typed);
  const isPath = folderPath.safeParse(to).success;
  return (
    <PlanDialog
      title={paths.length === 1 ? `Restore ${paths[0]}` : `Restore ${paths.length} files and folders`}
      command="restore-files"
      input={{ namespace, name, snapshot, paths: [...paths], overwrite, ...(to === '' || !isPath ? {} : { to }) }}
      confirm="Restore"
      danger={overwrite}
      isReady={isPath}
      undo={
        overwrite
          ? 'What is replaced is gone. Take a snapshot first when it may still be needed.'
          : 'Nothing is replaced: what has the name already stays, and what comes back gets another one.'
      }
      onClose={onClose}
      onDone={onDone}
    >
      {paths.slice(0, shownPaths).map((path) => (
        <WouldBeWritten key={path} volume={volume} snapshot={snapshot} path={path} />
      ))}
      {paths.length > shownPaths && <p className="muted">and {paths.length - shownPaths} others that were chosen.</p>}
      <TextInput
        label="Into the folder"
        placeholder="where it was"
        value={typed}
        error={isPath ? undefined : 'A path inside the volume, without "..".'}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <Checkbox
        label="Replace what is there"
        checked={overwrite}
        onChange={(event) => setOverwrite(event.currentTarget.checked)}
      />
    </PlanDialog>
  );
}

/** What is different there now. */
function WouldBeWritten({
  volume,
  snapshot,
  path,
}: Pick<RestoreProps, 'volume' | 'snapshot'> & { readonly path: string }) {
  const { namespace, name } = volume;
  const { data, error } = useQuery({
    queryKey: ['restore', volume.id, snapshot, path],
    queryFn: ({ signal }) => rest.diff({ namespace, name }, { from: snapshot }, { path, limit: 100, signal }),
    retry: false,
    gcTime: 0,
  });
  // The plan says what is wrong.
  if (error) return null;
  if (!data) return <p className="muted">Comparing with what is there now…</p>;
  const items = data.items.filter(({ change }) => change !== 'added');
  if (items.length === 0)
    return (
      <p>
        <code>{path}</code> is now as it was in <code>{snapshot}</code>.
      </p>
    );
  const more = items.length - shownDifferences;
  return (
    <div>
      <p>
        Since then this of <code>{path}</code> has changed, or gone:
      </p>
      <ul className={classes['differences']}>
        {items.slice(0, shownDifferences).map((item) => (
          <DifferenceLine key={item.path} item={item} />
        ))}
      </ul>
      {more > 0 && <p className="muted">and {data.cursor === undefined ? more : `more than ${more}`} others.</p>}
    </div>
  );
}
