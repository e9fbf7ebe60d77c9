/** The figures of a volume that matter first. */
import { formatDuration } from '#events/values/duration.ts';
import { formatSize } from '#events/values/size.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { Meter, usedOf } from '../../components/meter.tsx';
import { Facts } from '../../components/page.tsx';
import { Time } from '../../components/time.tsx';
import { useUsage } from '../../live/use-usage.ts';
import classes from './volume.module.css';

function onChangeWords({ snapshotOnChange: onChange, hooks }: VolumeRow): string {
  const when = onChange === null ? 'no snapshots' : `at most every ${formatDuration(onChange.minIntervalMs)}`;
  const services = new Set([hooks?.before?.service, hooks?.after?.service].filter((service) => service !== undefined));
  return services.size === 0 ? when : `${when}, hooks in ${[...services].join(', ')}`;
}

export function Figures({ volume }: { readonly volume: VolumeRow }) {
  const used = useUsage().volume(volume);
  return (
    <Facts
      facts={[
        { label: 'Used', value: <Meter compact label="Used" {...usedOf(used?.usedBytes, volume.sizeBytes)} /> },
        { label: 'Size', value: formatSize(volume.sizeBytes) },
        { label: 'Snapshots', value: volume.snapshots },
        { label: 'Newest', value: volume.lastSnapshotAt === null ? 'never' : <Time at={volume.lastSnapshotAt} /> },
        {
          label: 'Keeps',
          value: volume.keep === null ? 'every snapshot' : <code className={classes['keep']}>{volume.keep}</code>,
        },
        { label: 'On change', value: onChangeWords(volume) },
        {
          label: 'Folder on the node',
          value: volume.path === null ? '–' : <code className={classes['path']}>{volume.path}</code>,
        },
      ]}
    />
  );
}
