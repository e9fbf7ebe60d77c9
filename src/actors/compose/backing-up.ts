/** `backup` of `x-floatlab`: where volumes are backed up to, when, and what becomes of the backups. */
import type { VolumeBackup } from '#events/values/backing-up.ts';
import { isName } from '#events/values/name.ts';
import { backupExtension, keysOf } from './extension-keys.ts';
import { keysAt } from './keys.ts';
import type { Place, Reading } from './reading.ts';
import { cronAt, keepAt } from './snapshotting.ts';
import { booleanAt, durationAt, optional, textAt, written } from './values.ts';

export const backupKeys = { of: 'backup', read: keysOf(backupExtension) } as const;

const leastTestMs = 3_600_000;

/** @returns false: none, although the top of the file may ask for some */
export function backupAt(reading: Reading, place: Place): VolumeBackup | false | undefined {
  if (place.node.kind !== 'map') {
    const isOn = booleanAt(reading, place);
    if (isOn !== true) return isOn;
    return reading.report(place, '`backup` does not say where to, and when.', example);
  }
  const keys = keysAt(reading, place, backupKeys);
  const [targetAt, scheduleAt] = [keys?.get('target'), keys?.get('schedule')];
  if (!targetAt || !scheduleAt)
    return reading.report(place, `\`backup\` needs a ${targetAt ? 'schedule' : 'target'}.`, example);
  const target = nameAt(reading, targetAt);
  const schedule = cronAt(reading, scheduleAt);
  const keep = optional(keys?.get('keep'), (at) => keepAt(reading, at));
  const testRestoreEveryMs = optional(keys?.get('test-restore'), (at) => durationAt(reading, at, leastTestMs));
  if (target === undefined || schedule === undefined) return undefined;
  return {
    ...{ target, schedule },
    ...(keep === undefined ? {} : { keep }),
    ...(testRestoreEveryMs === undefined ? {} : { testRestoreEveryMs }),
  };
}

const example = 'Write for example {target: usb, schedule: "30 3 * * *"}; floatlab backup target ls shows the targets.';

function nameAt(reading: Reading, place: Place): string | undefined {
  const text = textAt(reading, place, 'the name of a backup target');
  if (text === undefined || isName(text)) return text;
  return reading.report(place, `${written(place)} is not the name of a backup target.`, 'Write for example `usb`.');
}
