/** Bringing a backup back: into a new volume, or in the place of what a volume holds; all of it, or one file or folder. */
import { NativeSelect, Radio, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { backupCommands } from '#actors/backup/commands.ts';
import { isName, nameRule } from '#events/values/name.ts';
import { formatSize, parseSize } from '#events/values/size.ts';
import { typedPath } from '#events/values/tree-path.ts';
import type { BackupRow } from '#projections/views/backups.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { freeNameFor } from '../format/backup-words.ts';
import { isResting } from '#ui/client/address.ts';
import { useCommand } from '../live/use-command.ts';
import { useView } from '../live/use-view.ts';
import { ActionButton } from './action-button.tsx';
import { BackupFolder } from './backup-folder.tsx';
import { AppLink } from './links.tsx';
import { PlanDialog } from './plan-dialog.tsx';
import classes from './plan-dialog.module.css';
import { Time } from './time.tsx';

interface Props {
  readonly row: BackupRow;
  readonly onClose: () => void;
}

const anyPool = '';
const { shape } = backupCommands['restore-backup'];

export function RestoreBackup({ row, onClose }: Props) {
  const volumes = useView('volumes').rows.filter(
    ({ namespace, discarded }) => namespace === row.namespace && discarded === null,
  );
  const pools = [...new Set(useView('pools').rows.map(({ name }) => name))].toSorted();
  const navigate = useNavigate();
  const [into, setInto] = useState<'new' | 'present'>('new');
  const [typed, setTyped] = useState<string>();
  const [chosen, setChosen] = useState<string>();
  const [size, setSize] = useState('');
  const [pool, setPool] = useState(anyPool);
  const [file, setFile] = useState('');
  const [isLooking, setLooking] = useState(false);
  const taken = volumes.map(({ name }) => name);
  const as = typed ?? freeNameFor(row.volumeName, taken);
  const same = volumes.find(({ id }) => id === row.volume?.id) ?? volumes.find(({ name }) => name === row.volumeName);
  const to = volumes.find(({ name }) => name === chosen) ?? same ?? volumes[0];
  const path = typedPath(file);
  const isPath = path === '' || shape.path.safeParse(path).success;
  const sizeBytes = size.trim() === '' ? undefined : parseSize(size);
  const isSize = size.trim() === '' || shape.sizeBytes.safeParse(sizeBytes).success;
  const wrongName = taken.includes(as)
    ? `There is a volume ${as} already.`
    : isName(as)
      ? undefined
      : `For names, ${nameRule}.`;
  const isNew = into === 'new';
  const isReady = isPath && (isNew ? wrongName === undefined && isSize : to !== undefined);
  const part = path !== '' && isPath ? { path } : {};
  return (
    <PlanDialog
      title={`Restore ${row.name}`}
      command="restore-backup"
      input={{
        ...{ namespace: row.namespace, name: row.name },
        ...(isNew
          ? { as, ...(sizeBytes === undefined || !isSize ? {} : { sizeBytes }), ...(pool === anyPool ? {} : { pool }) }
          : { to: to?.name ?? '', replace: true }),
        ...part,
      }}
      confirm={isNew ? 'Restore into a new volume' : `Replace ${to?.name ?? 'it'}`}
      danger={!isNew}
      isReady={isReady}
      isBegun={isReady}
      size={520}
      undo={
        isNew
          ? 'Nothing that is there changes. Delete the new volume when it is not needed any more.'
          : 'Nothing is lost: what the volume holds now is kept as a snapshot, and it can be rolled back to that.'
      }
      onClose={onClose}
      onDone={() => {
        const name = isNew ? as : to?.name;
        if (name !== undefined)
          void navigate({ to: '/volumes/$namespace/$name', params: { namespace: row.namespace, name } });
      }}
    >
      <p>
        Volume <code>{row.volumeName}</code>
        {row.takenAt !== null && (
          <>
            {' '}
            as it was <Time at={row.takenAt} />
          </>
        )}
        {row.sizeBytes !== null && `, ${formatSize(row.sizeBytes)}`}
        {!row.isGood && '. It was not read back yet: whether all of it is there is seen while it is restored'}.
      </p>
      <Radio.Group label="Into" value={into} onChange={(value) => setInto(value === 'new' ? 'new' : 'present')}>
        <div className={classes['choices']}>
          <Radio value="new" label="a new volume" />
          <Radio
            value="present"
            label="a volume that is there, in the place of what it holds"
            disabled={volumes.length === 0}
          />
        </div>
      </Radio.Group>
      {isNew ? (
        <>
          <TextInput
            label="Name of the new volume"
            value={as}
            error={wrongName}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <TextInput
            label="Size"
            placeholder="as large as it was"
            value={size}
            error={isSize ? undefined : 'Write a number with its unit: 20GiB.'}
            onChange={(event) => setSize(event.currentTarget.value)}
          />
          <NativeSelect
            label="Pool"
            data={[{ value: anyPool, label: 'Where there is room' }, ...pools]}
            value={pool}
            onChange={(event) => setPool(event.currentTarget.value)}
          />
        </>
      ) : (
        <Replaced volumes={volumes} to={to} row={row} isPart={path !== ''} onChoose={setChosen} />
      )}
      <TextInput
        label="Only this file or folder"
        description="Its path in the volume, as it was then. Empty: everything."
        placeholder="library/2026"
        value={file}
        error={isPath ? undefined : 'A path inside the volume, without "..".'}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setFile(event.currentTarget.value)}
      />
      {isLooking ? (
        <BackupFolder row={row} chosen={path} onChoose={setFile} />
      ) : (
        <ActionButton onClick={() => setLooking(true)}>Look what is in it</ActionButton>
      )}
    </PlanDialog>
  );
}

interface ReplacedProps {
  readonly volumes: readonly VolumeRow[];
  readonly to: VolumeRow | undefined;
  readonly row: BackupRow;
  readonly isPart: boolean;
  readonly onChoose: (name: string) => void;
}

/** Which volume, what goes from it, and what is in the way. */
function Replaced({ volumes, to, row, isPart, onChoose }: ReplacedProps) {
  const app = useView('apps').rows.find(({ id }) => id === to?.app?.id);
  const { run, isRunning } = useCommand();
  return (
    <>
      <NativeSelect
        label="Volume"
        data={volumes.map(({ name }) => name)}
        value={to?.name ?? ''}
        onChange={(event) => onChoose(event.currentTarget.value)}
      />
      <p>
        {isPart ? (
          <>
            The volume will hold <strong>nothing but that file or folder</strong>. To fetch it beside what is there,
            restore it into a new volume.
          </>
        ) : (
          <>
            What was written{row.takenAt !== null && ' after that moment'} is not in the backup: it will be in the
            snapshot alone.
          </>
        )}
      </p>
      {app && !isResting(app) && (
        <p>
          App <AppLink namespace={app.namespace} name={app.name} /> uses it, and must be stopped first.{' '}
          <ActionButton
            size="compact-xs"
            loading={isRunning}
            onClick={() => void run('stop-app', { namespace: app.namespace, name: app.name })}
          >
            Stop {app.name}
          </ActionButton>
        </p>
      )}
    </>
  );
}
