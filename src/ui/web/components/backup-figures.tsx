/** How well something is kept outside of the lab, in a row of figures. */
import { formatSize } from '#events/values/size.ts';
import type { BackupRow } from '#projections/views/backups.ts';
import type { ScheduleRow } from '#projections/views/schedules.ts';
import { behindSince, newestGood, roomOf } from '../format/backup-words.ts';
import { useView } from '../live/use-view.ts';
import { Facts } from './page.tsx';
import { TargetLink } from './links.tsx';
import { State } from './state.tsx';
import { Time } from './time.tsx';

interface Props {
  readonly rows: readonly BackupRow[];
  /** That make them. */
  readonly schedules: readonly ScheduleRow[];
}

export function BackupFigures({ rows, schedules }: Props) {
  const newest = newestGood(rows);
  const since = behindSince(rows, useView('volumes').byKey);
  const behind = schedules.some((row) => row.behindSince !== null);
  const due = schedules.filter(({ state }) => state === 'active').map(({ dueAt }) => dueAt);
  const { contentBytes, storedBytes } = roomOf(rows);
  return (
    <Facts
      facts={[
        {
          label: 'Newest good one',
          value: newest ? (
            <Time at={newest.takenAt} />
          ) : (
            <State state="none" tone="attention" words="none was read back yet" />
          ),
          ...(newest
            ? {
                note: (
                  <>
                    in <TargetLink name={newest.target.name} />
                    {newest.sizeBytes !== null && `, ${formatSize(newest.sizeBytes)}`}
                  </>
                ),
              }
            : {}),
        },
        {
          label: 'Lag',
          value:
            typeof since !== 'number' ? (
              'no good one'
            ) : behind ? (
              <State state="behind" tone="failed" words="too far behind" />
            ) : (
              <Time at={since} as="since" />
            ),
          note: 'what was written since is not outside',
        },
        { label: 'Read back', value: <Time at={newest?.verifiedAt} /> },
        {
          label: 'Next',
          value: due.length === 0 ? 'by hand only' : <Time at={Math.min(...due)} as="until" />,
        },
        { label: 'Content', value: formatSize(contentBytes), note: `took ${formatSize(storedBytes)} there` },
      ]}
    />
  );
}
