/** Snapshots of the volume that other tools took, as its node sees them now. Nothing here changes them. */
import { useQuery } from '@tanstack/react-query';
import { formatSize } from '#events/values/size.ts';
import type { ForeignSnapshot } from '#io/contract/foreign-snapshots.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { cx } from '../../components/cx.ts';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { Section } from '../../components/page.tsx';
import { Time } from '../../components/time.tsx';
import { rest } from '../../live/clients.tsx';
import { usePast } from '../../live/past.ts';
import { troubleOf } from '../../live/use-command.ts';
import classes from './snapshots.module.css';

const title = 'Snapshots of other tools';

export function ForeignSnapshots({ volume }: { readonly volume: VolumeRow }) {
  const { namespace, name } = volume;
  const { isPast } = usePast();
  const found = useQuery({
    queryKey: ['foreign-snapshots', volume.id],
    queryFn: ({ signal }) => rest.foreignSnapshots({ namespace, name }, { signal }),
    // The lab keeps no history of them, and before there is a dataset there are none.
    enabled: !isPast && volume.path !== null,
    retry: false,
    gcTime: 0,
  });
  if (found.error)
    return (
      <Section title={title} bare>
        <p className={cx('faint', classes['aside'])}>
          Whether there are any is unknown. {troubleOf(found.error).title}
        </p>
      </Section>
    );
  if (!found.data || found.data.items.length === 0) return null;
  const { items, truncated } = found.data;
  return (
    <Section title={title} note={truncated ? `the newest ${items.length}` : items.length} bare>
      <p className={cx('faint', classes['aside'])}>
        The lab did not take them: it never removes them, and never goes back to one.
      </p>
      <DataTable label={title} rows={items.toReversed()} columns={columns} rowKey={({ name: of }) => of} />
    </Section>
  );
}

const columns: readonly Column<ForeignSnapshot>[] = [
  {
    id: 'name',
    title: 'Snapshot',
    width: 'minmax(170px, 3fr)',
    cell: ({ name }) => <code className={classes['name']}>{name}</code>,
  },
  { id: 'age', title: 'Taken', width: '88px', cell: ({ takenAt }) => <Time at={takenAt} /> },
  {
    id: 'used',
    title: 'Used',
    width: '96px',
    numeric: true,
    cell: ({ exclusiveBytes }) =>
      exclusiveBytes === null ? (
        <span className="faint">–</span>
      ) : (
        <span data-tip="What would be free without it and it alone">{formatSize(exclusiveBytes)}</span>
      ),
  },
];
