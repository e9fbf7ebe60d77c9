/** Where a volume can go back to: figures, the timeline, the table. */
import { Menu } from '@mantine/core';
import { IconArrowBackUp, IconCamera, IconFolder, IconGitCompare, IconNote, IconTrash } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { isOnLine } from '#actors/volume/lineage.ts';
import { hookTrouble } from '#projections/hook-words.ts';
import type { SnapshotRow } from '#projections/views/snapshots.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { ActionButton, ActionItem } from '../../components/action-button.tsx';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { Empty, Loading, Section } from '../../components/page.tsx';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { RowMenu } from '../../components/row-menu.tsx';
import { State } from '../../components/state.tsx';
import { Time } from '../../components/time.tsx';
import { momentOf, reasonWords } from '../../format/snapshot-words.ts';
import { useView } from '../../live/use-view.ts';
import { Figures } from './figures.tsx';
import { ForeignSnapshots } from './foreign-snapshots.tsx';
import { NoteSnapshot } from './note-snapshot.tsx';
import { Rollback } from './rollback.tsx';
import { Timeline } from './timeline.tsx';
import { useVolume } from './use-volume.ts';
import { TakeSnapshot } from './take-snapshot.tsx';
import classes from './snapshots.module.css';

type Dialog = { readonly do: 'rollback' | 'remove' | 'note'; readonly snapshot: SnapshotRow } | { readonly do: 'take' };

export function VolumeSnapshots() {
  const volume = useVolume();
  return volume ? <Loaded volume={volume} /> : null;
}

function Loaded({ volume }: { readonly volume: VolumeRow }) {
  const where = useMemo(() => ({ volume: volume.id }), [volume.id]);
  const view = useView('snapshots', { where });
  const [marked, setMarked] = useState<string>();
  const [dialog, setDialog] = useState<Dialog>();
  const rows = useMemo(
    () => view.rows.filter((row) => row.volume.id === volume.id).toSorted((a, b) => momentOf(b) - momentOf(a)),
    [view.rows, volume.id],
  );
  const columns = useMemo(() => columnsFor(volume, setDialog), [volume]);
  return (
    <>
      <Figures volume={volume} />
      {!view.ready ? (
        <Loading />
      ) : rows.length === 0 ? (
        <Section bare>
          <Empty
            title="Nowhere to go back to yet"
            command={`floatlab volume snapshot ${volume.name}`}
            action={
              <ActionButton
                leftSection={<IconCamera size={14} />}
                onClick={() => setDialog({ do: 'take' })}
                refused={notReady(volume)}
              >
                Snapshot now
              </ActionButton>
            }
          >
            A snapshot keeps the data as it is at one moment, and takes almost no room. Take one by hand, or add a
            schedule.
          </Empty>
        </Section>
      ) : (
        <>
          <Section title="Timeline" bare>
            <Timeline
              rows={rows.filter(({ state }) => state === 'available')}
              lineages={volume.lineages}
              marked={marked}
              onMark={setMarked}
              onOpen={(snapshot) => setDialog({ do: 'rollback', snapshot })}
            />
          </Section>
          <Section title="Snapshots" note={rows.length} bare>
            <DataTable label="Snapshots" rows={rows} columns={columns} rowKey={({ id }) => id} marked={marked} />
          </Section>
        </>
      )}
      <ForeignSnapshots volume={volume} />
      {dialog?.do === 'take' && <TakeSnapshot of={volume} onClose={() => setDialog(undefined)} />}
      {dialog?.do === 'rollback' && (
        <Rollback volume={volume} snapshot={dialog.snapshot} snapshots={rows} onClose={() => setDialog(undefined)} />
      )}
      {dialog?.do === 'note' && (
        <NoteSnapshot volume={volume} snapshot={dialog.snapshot} onClose={() => setDialog(undefined)} />
      )}
      {dialog?.do === 'remove' && (
        <RemoveSnapshot volume={volume} snapshot={dialog.snapshot} onClose={() => setDialog(undefined)} />
      )}
    </>
  );
}

const notReady = (volume: VolumeRow): string | undefined =>
  volume.state === 'ready' ? undefined : `${volume.name} is ${volume.state}; this needs a volume that is ready.`;

const columnsFor = (volume: VolumeRow, setDialog: (dialog: Dialog) => void): readonly Column<SnapshotRow>[] => [
  {
    id: 'name',
    title: 'Snapshot',
    width: 'minmax(170px, 1.5fr)',
    cell: ({ name }) => <code className={classes['name']}>{name}</code>,
  },
  { id: 'age', title: 'Taken', width: '88px', cell: (row) => <Time at={momentOf(row)} /> },
  { id: 'state', title: 'State', width: '112px', cell: ({ state }) => <State state={state} /> },
  {
    id: 'reason',
    title: 'Why',
    width: 'minmax(110px, 1fr)',
    cell: (row) => (
      <>
        {reasonWords(row)}
        {row.set && <SetNote row={row} />}
        {!isOnLine(row, volume.lineages) && <div className="faint">line {row.lineage}, left</div>}
      </>
    ),
  },
  {
    id: 'note',
    title: 'Note',
    width: 'minmax(100px, 2fr)',
    cell: ({ note, problem, held, hooks }) =>
      problem?.message ?? held?.message ?? hookTrouble(hooks) ?? note ?? <span className="faint">–</span>,
  },
  {
    id: 'actions',
    title: '',
    width: '150px',
    cell: (row) => <RowActions row={row} volume={volume} setDialog={setDialog} />,
  },
];

/** It belongs to snapshots of the app's other volumes. */
const SetNote = ({ row: { set, together } }: { readonly row: SnapshotRow }) => (
  <div
    className="faint"
    data-tip={together === true ? 'All of one moment, under the same name' : 'One after the other, under the same name'}
  >
    set of {set?.size}
  </div>
);

interface RowActionsProps {
  readonly row: SnapshotRow;
  readonly volume: VolumeRow;
  readonly setDialog: (dialog: Dialog) => void;
}

function RowActions({ row, volume, setDialog }: RowActionsProps) {
  const going = row.state === 'removing' ? 'It is being removed.' : undefined;
  const to = {
    to: '/volumes/$namespace/$name/files',
    params: { namespace: volume.namespace, name: volume.name },
  } as const;
  return (
    <div className={classes['actions']}>
      {row.state === 'available' && (
        <ActionButton
          size="compact-xs"
          leftSection={<IconArrowBackUp size={14} />}
          refused={notReady(volume)}
          onClick={() => setDialog({ do: 'rollback', snapshot: row })}
        >
          Roll back
        </ActionButton>
      )}
      <RowMenu name={row.name}>
        {row.state === 'available' && (
          <>
            <Menu.Item
              leftSection={<IconFolder size={16} />}
              renderRoot={(props) => <Link {...to} search={{ snapshot: row.name }} {...props} />}
            >
              Look into it
            </Menu.Item>
            <Menu.Item
              leftSection={<IconGitCompare size={16} />}
              renderRoot={(props) => <Link {...to} search={{ snapshot: row.name, compare: 'now' }} {...props} />}
            >
              Compare with now
            </Menu.Item>
          </>
        )}
        <ActionItem
          icon={<IconNote size={16} />}
          refused={going}
          onClick={() => setDialog({ do: 'note', snapshot: row })}
        >
          Note…
        </ActionItem>
        <ActionItem
          danger
          icon={<IconTrash size={16} />}
          refused={going}
          onClick={() => setDialog({ do: 'remove', snapshot: row })}
        >
          Remove…
        </ActionItem>
      </RowMenu>
    </div>
  );
}

interface OfSnapshot {
  readonly volume: VolumeRow;
  readonly snapshot: SnapshotRow;
  readonly onClose: () => void;
}

const RemoveSnapshot = ({ volume, snapshot, onClose }: OfSnapshot) => (
  <PlanDialog
    title={`Remove snapshot ${snapshot.name}`}
    command="remove-snapshot"
    input={{ namespace: volume.namespace, name: volume.name, snapshot: snapshot.name }}
    confirm="Remove snapshot"
    danger
    undo={
      snapshot.reason === 'stash'
        ? 'This cannot be undone. It is what a roll-back replaced; the volume itself is not touched.'
        : 'This cannot be undone; the volume itself and its other snapshots are not touched.'
    }
    onClose={onClose}
  />
);
