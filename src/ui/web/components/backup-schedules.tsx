/** Schedules that make backups: when, of what, where to, and what stays there. */
import { formatDuration } from '#events/values/duration.ts';
import type { ScheduleRow } from '#projections/views/schedules.ts';
import { cronInWords } from '../format/cron-words.ts';
import { useView } from '../live/use-view.ts';
import { DataTable, type Column } from './data-table.tsx';
import { AppLink, ObjectLink, TargetLink, VolumeLink } from './links.tsx';
import { Section } from './page.tsx';
import { State } from './state.tsx';
import { Time } from './time.tsx';

export function BackupSchedules({ rows }: { readonly rows: readonly ScheduleRow[] }) {
  const targets = useView('backup-targets').byKey;
  if (rows.length === 0) return null;
  const columns: readonly Column<ScheduleRow>[] = [
    {
      id: 'name',
      title: 'Schedule',
      width: 'minmax(130px, 1.2fr)',
      cell: ({ namespace, name }) => <ObjectLink kind="schedule" namespace={namespace} name={name} />,
    },
    {
      id: 'of',
      title: 'Backs up',
      width: 'minmax(110px, 1fr)',
      cell: ({ namespace, of, only }) =>
        of.id.startsWith('app:') ? (
          <span className="among">
            <AppLink namespace={namespace} name={of.name} />{' '}
            <span className="faint">{only === null ? 'as a set' : only.join(', ')}</span>
          </span>
        ) : (
          <VolumeLink namespace={namespace} name={of.name} />
        ),
    },
    {
      id: 'when',
      title: 'When',
      width: 'minmax(130px, 1.2fr)',
      cell: ({ cron, timeZone }) => (
        <span data-tip={cron}>
          {cronInWords(cron) ?? <code>{cron}</code>}
          {timeZone !== null && <span className="faint"> {timeZone}</span>}
        </span>
      ),
    },
    {
      id: 'to',
      title: 'To',
      width: 'minmax(72px, 0.8fr)',
      cell: ({ target }) => (target ? <TargetLink name={target.name} /> : <span className="faint">–</span>),
    },
    {
      id: 'keeps',
      title: 'Keeps there',
      width: 'minmax(110px, 1fr)',
      cell: ({ target, keep: own }) => {
        const { keep: usual, verifyEveryMs } = targets.get(target?.id ?? '') ?? {};
        const keep = own ?? usual;
        return (
          <>
            {keep ? <code>{keep}</code> : 'all'}
            {typeof verifyEveryMs === 'number' && (
              <div className="faint">read back every {formatDuration(verifyEveryMs)}</div>
            )}
          </>
        );
      },
    },
    {
      id: 'state',
      title: 'State',
      width: 'minmax(100px, 0.8fr)',
      cell: ({ state, behindSince }) =>
        behindSince === null ? <State state={state} /> : <State state={state} tone="failed" words="behind" />,
    },
    {
      id: 'next',
      title: 'Next run',
      width: '80px',
      numeric: true,
      cell: ({ state, dueAt }) =>
        state === 'active' ? <Time at={dueAt} as="until" /> : <span className="faint">–</span>,
    },
  ];
  return (
    <Section title="Schedules" note={rows.length} bare>
      <DataTable label="Schedules of backups" rows={rows} columns={columns} rowKey={({ id }) => id} />
    </Section>
  );
}
