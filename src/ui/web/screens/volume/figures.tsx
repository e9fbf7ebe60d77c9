/** The figures of a volume that matter first. */
import { formatDuration } from '#events/values/duration.ts';
import { formatSize } from '#events/values/size.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { Meter, usedOf } from '../../components/meter.tsx';
import { Facts, type Fact } from '../../components/page.tsx';
import { Time } from '../../components/time.tsx';
import { labelText } from '../../format/label-text.ts';
import { modeText } from '../../format/volume-draft.ts';
import { useUsage } from '../../live/use-usage.ts';
import classes from './volume.module.css';

function onChangeWords({ snapshotOnChange: onChange, hooks }: VolumeRow): string {
  const when = onChange === null ? 'no snapshots' : `at most every ${formatDuration(onChange.minIntervalMs)}`;
  const services = new Set([hooks?.before?.service, hooks?.after?.service].filter((service) => service !== undefined));
  return services.size === 0 ? when : `${when}, hooks in ${[...services].join(', ')}`;
}

/** `kept room for 20 GiB, on nodes with zone=attic, in pool tank` */
function roomWords({ growToBytes, constraints }: VolumeRow): string | undefined {
  const { labels, pool, driver } = constraints ?? {};
  const words = [
    growToBytes !== null && `room is kept for ${formatSize(growToBytes)}`,
    labels && `on nodes with ${labelText(labels)}`,
    pool !== undefined && `in pool ${pool}`,
    driver !== undefined && `on ${driver}`,
  ].filter((word) => typeof word === 'string');
  return words.length === 0 ? undefined : words.join(', ');
}

/** `records of 16 KiB, zstd, 999:999, mode 0750` */
function storedWords({ recordSizeBytes, compression, owner, mode }: VolumeRow): string | undefined {
  const words = [
    recordSizeBytes !== null && `records of ${formatSize(recordSizeBytes)}`,
    compression,
    owner && `${owner.uid}:${owner.gid}`,
    mode !== null && `mode ${modeText(mode)}`,
  ].filter((word) => typeof word === 'string');
  return words.length === 0 ? undefined : words.join(', ');
}

const few = (label: string, text: string | undefined): readonly Fact[] =>
  text === undefined || text === '' ? [] : [{ label, value: <span className={classes['few']}>{text}</span> }];

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
        ...few('Where it may be', roomWords(volume)),
        ...few('Stored as', storedWords(volume)),
        ...few('Labels', labelText(volume.labels)),
        {
          label: 'Folder on the node',
          value: volume.path === null ? '–' : <code className={classes['path']}>{volume.path}</code>,
        },
      ]}
    />
  );
}
