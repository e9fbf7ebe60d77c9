import { IconPencil, IconPlayerPause, IconPlayerPlay, IconPlus, IconTrash } from '@tabler/icons-react';
import { useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { ScheduleRow } from '#projections/views/schedules.ts';
import { ActionButton, ActionItem } from '../components/action-button.tsx';
import { DataTable, type Column } from '../components/data-table.tsx';
import { AppLink, TargetLink, VolumeLink } from '../components/links.tsx';
import { ListBar, NothingFound, useList, useSetSearch } from '../components/list.tsx';
import type { ListSearch } from '../format/list-search.ts';
import { Empty, Loading, Page } from '../components/page.tsx';
import { PlanDialog } from '../components/plan-dialog.tsx';
import { RowMenu } from '../components/row-menu.tsx';
import { State } from '../components/state.tsx';
import { Time } from '../components/time.tsx';
import { cronInWords } from '../format/cron-words.ts';
import { toneOf } from '../format/state.ts';
import { count } from '../format/who.ts';
import { useCommand } from '../live/use-command.ts';
import { useView } from '../live/use-view.ts';
import { EditSchedule } from './volume/edit-schedule.tsx';
import { NewSchedule } from './volume/new-schedule.tsx';
import classes from './schedules.module.css';

type Choose = (row: ScheduleRow) => void;

const columnsFor = (edit: Choose, remove: Choose): readonly Column<ScheduleRow>[] => [
  {
    id: 'name',
    title: 'Schedule',
    width: 'minmax(150px, 1.6fr)',
    sort: ({ name }) => name,
    cell: ({ name }) => <span className={classes['name']}>{name}</span>,
  },
  {
    id: 'state',
    title: 'State',
    width: '104px',
    sort: ({ state }) => state,
    cell: ({ state, behindSince }) =>
      behindSince === null ? <State state={state} /> : <State state={state} tone="failed" words="behind" />,
  },
  {
    id: 'when',
    title: 'When',
    width: 'minmax(150px, 1.4fr)',
    sort: ({ cron }) => cron,
    cell: ({ cron, timeZone }) => {
      const words = cronInWords(cron);
      return (
        <span data-tip={`${cron}${timeZone === null ? '' : `, ${timeZone}`}`}>
          {words ?? <code>{cron}</code>}
          {timeZone !== null && <span className="faint"> {timeZone}</span>}
        </span>
      );
    },
  },
  {
    id: 'volume',
    title: 'What',
    width: 'minmax(160px, 1.9fr)',
    sort: ({ of }) => of.name,
    cell: (row) => (
      <span className="among">
        <span className="muted">{actionWords[row.action]}</span> <Target row={row} />
        {row.target && (
          <>
            {' '}
            <span className="muted">to</span> <TargetLink name={row.target.name} />
          </>
        )}
      </span>
    ),
  },
  {
    id: 'app',
    title: 'Asked for by',
    width: 'minmax(90px, 1fr)',
    sort: ({ app }) => app?.name,
    cell: ({ namespace, app }) =>
      app ? <AppLink namespace={namespace} name={app.name} /> : <span className="muted">a person</span>,
  },
  {
    id: 'last',
    title: 'Last run',
    width: '88px',
    numeric: true,
    sort: ({ lastRunAt }) => lastRunAt,
    cell: ({ lastRunAt, missed }) => (
      <>
        <Time at={lastRunAt} />
        {missed > 0 && (
          <div className="faint" data-tip="They were made up for by the last run.">
            {count(missed, 'run')} missed
          </div>
        )}
      </>
    ),
  },
  {
    id: 'next',
    title: 'Next run',
    width: '88px',
    numeric: true,
    sort: ({ state, dueAt }) => (state === 'active' ? dueAt : null),
    cell: ({ state, dueAt }) =>
      state === 'active' ? <Time at={dueAt} as="until" /> : <span className="faint">–</span>,
  },
  {
    id: 'actions',
    title: '',
    width: '32px',
    cell: (row) => <Actions row={row} onEdit={() => edit(row)} onRemove={() => remove(row)} />,
  },
];

const actionWords: Readonly<Record<ScheduleRow['action'], string>> = {
  snapshot: 'snapshots',
  backup: 'backs up',
  scrub: 'scrubs',
};

const madeWords = ({ action }: ScheduleRow): string =>
  action === 'scrub' ? 'Nothing that is there changes.' : `The ${action}s it made stay.`;

/** What it is of. */
function Target({ row: { namespace, of } }: { readonly row: ScheduleRow }) {
  if (of.id.startsWith('volume:')) return <VolumeLink namespace={namespace} name={of.name} />;
  if (!of.id.startsWith('app:')) return <>{of.name}</>;
  return (
    <span data-tip="All volumes of the app, as one set">
      <AppLink namespace={namespace} name={of.name} /> <span className="faint">as a set</span>
    </span>
  );
}

interface ActionsProps {
  readonly row: ScheduleRow;
  readonly onEdit: () => void;
  readonly onRemove: () => void;
}

function Actions({ row, onEdit, onRemove }: ActionsProps) {
  const { run } = useCommand();
  const target = { namespace: row.namespace, name: row.name };
  return (
    <RowMenu name={row.name}>
      <ActionItem
        icon={<IconPencil size={16} />}
        refused={row.app ? `The compose file of ${row.app.name} says when it runs: change it there.` : undefined}
        onClick={onEdit}
      >
        Change…
      </ActionItem>
      {row.state === 'active' ? (
        <ActionItem icon={<IconPlayerPause size={16} />} onClick={() => void run('suspend-schedule', target)}>
          Suspend
        </ActionItem>
      ) : (
        <ActionItem icon={<IconPlayerPlay size={16} />} onClick={() => void run('resume-schedule', target)}>
          Resume
        </ActionItem>
      )}
      <ActionItem danger icon={<IconTrash size={16} />} onClick={onRemove}>
        Remove…
      </ActionItem>
    </RowMenu>
  );
}

const byNext = { column: 'next', descending: false } as const;
const texts = (row: ScheduleRow): readonly (string | null | undefined)[] => [
  row.name,
  row.of.name,
  row.app?.name,
  row.cron,
  row.state,
  row.action,
  row.target?.name,
];
const tone = (row: ScheduleRow) => toneOf(row.state);

export function Schedules() {
  const search = useSearch({ strict: false }) as ListSearch;
  const setSearch = useSetSearch();
  const { rows, ready } = useView('schedules');
  const volumes = useView('volumes');
  const [removing, setRemoving] = useState<ScheduleRow>();
  const [isMaking, setMaking] = useState(false);
  const [editing, setEditing] = useState<ScheduleRow>();
  const columns = useMemo(() => columnsFor(setEditing, setRemoving), []);
  const list = useList({ rows, columns, search, fallback: byNext, texts, tone });
  const add = (
    <ActionButton
      leftSection={<IconPlus size={16} />}
      refused={
        volumes.ready && volumes.rows.length === 0
          ? 'A schedule is of a volume, and there is none yet. Create one under Volumes, or deploy an app.'
          : undefined
      }
      onClick={() => setMaking(true)}
    >
      New schedule
    </ActionButton>
  );
  return (
    <Page title="Schedules" actions={add}>
      {!ready ? (
        <Loading />
      ) : rows.length === 0 ? (
        <Empty
          title="Nothing is repeated yet"
          command={'floatlab schedule create nightly --volume photos-db --cron "30 2 * * *"'}
          action={add}
        >
          A schedule snapshots a volume again and again, backs it up, or scrubs a pool. Write{' '}
          <code>x-floatlab: snapshot:</code> into a compose file, or add one here or on the page of a volume.
        </Empty>
      ) : (
        <>
          <ListBar
            search={search}
            counts={list.counts}
            toneWords={{ running: 'active', off: 'suspended' }}
            placeholder="Filter schedules"
          />
          {list.shown.length === 0 ? (
            <NothingFound onClear={() => setSearch({ q: undefined, state: undefined })} />
          ) : (
            <DataTable
              label="Schedules"
              rows={list.shown}
              columns={columns}
              rowKey={({ id }) => id}
              sort={list.sort}
              onSort={list.setSort}
            />
          )}
        </>
      )}
      {isMaking && <NewSchedule onClose={() => setMaking(false)} />}
      {editing && <EditSchedule row={editing} onClose={() => setEditing(undefined)} />}
      {removing && (
        <PlanDialog
          title={`Remove ${removing.name}`}
          command="remove-schedule"
          input={{ namespace: removing.namespace, name: removing.name }}
          confirm="Remove schedule"
          danger
          undo={
            removing.app
              ? `${madeWords(removing)} It comes back when ${removing.app.name} is deployed with it again.`
              : `${madeWords(removing)} You can add the schedule again.`
          }
          onClose={() => setRemoving(undefined)}
        />
      )}
    </Page>
  );
}
