/** Where a volume may be, and how far it shall be able to grow there: `nodes`, `pool`, `driver`, `grow-to`. */
import { isName, labelKey, labelValue } from '#events/values/name.ts';
import { formatSize, maxVolumeBytes, parseSize } from '#events/values/size.ts';
import type { VolumeConstraints } from '#events/volume.ts';
import type { volumeExtension } from './extension-keys.ts';
import type { Place, Reading } from './reading.ts';
import { entriesAt, isEmpty, textAt, written } from './values.ts';

/** @param keys of `x-floatlab`, at the top or of a volume */
export function constraintsAt(reading: Reading, keys: ReadonlyMap<string, Place>): VolumeConstraints | undefined {
  const at = (key: keyof typeof volumeExtension): Place | undefined => keys.get(key);
  const [nodes, pool, driver] = [at('nodes'), at('pool'), at('driver')];
  const labels = nodes && labelsAt(reading, nodes);
  const poolName = pool && poolAt(reading, pool);
  const driverName = driver && driverAt(reading, driver);
  const constraints = {
    ...(labels === undefined ? {} : { labels }),
    ...(poolName === undefined ? {} : { pool: poolName }),
    ...(driverName === undefined ? {} : { driver: driverName }),
  };
  return Object.keys(constraints).length === 0 ? undefined : constraints;
}

export function growToAt(reading: Reading, place: Place): number | undefined {
  const text = textAt(reading, place, 'a size');
  if (text === undefined) return undefined;
  const bytes = parseSize(text);
  if (bytes !== undefined && bytes > 0 && bytes <= maxVolumeBytes) return bytes;
  return reading.report(
    place,
    bytes === undefined ? `${written(place)} is not a size.` : `${written(place)} is too large for a volume.`,
    bytes === undefined ? 'Write a number with its unit: 40GiB.' : `Choose at most ${formatSize(maxVolumeBytes)}.`,
  );
}

/** Labels that a node must have: `nodes: {zone: attic}`. */
function labelsAt(reading: Reading, place: Place): Record<string, string> | undefined {
  if (isEmpty(place)) return undefined;
  const labels: Record<string, string> = {};
  for (const entry of entriesAt(reading, place) ?? []) {
    const value = textAt(reading, entry, 'a value of a label');
    if (value === undefined) continue;
    if (labelKey.safeParse(entry.key).success && labelValue.safeParse(value).success) labels[entry.key] = value;
    else reading.report(entry, `${entry.key}=${value} is not a label.`, 'Write for example `nodes: {zone: attic}`.');
  }
  return labels;
}

function poolAt(reading: Reading, place: Place): string | undefined {
  const text = textAt(reading, place, 'the name of a pool');
  if (text === undefined) return undefined;
  if (isName(text)) return text;
  return reading.report(
    place,
    `${written(place)} is not the name of a pool.`,
    'Write one that a node has: `pool: main`.',
  );
}

const drivers = ['btrfs', 'zfs', 'dir'] as const;

function driverAt(reading: Reading, place: Place): (typeof drivers)[number] | undefined {
  const text = textAt(reading, place, 'a driver');
  const driver = drivers.find((one) => one === text);
  if (text === undefined || driver) return driver;
  return reading.report(place, `${written(place)} is not a driver of pools.`, `Write one of ${drivers.join(', ')}.`);
}
