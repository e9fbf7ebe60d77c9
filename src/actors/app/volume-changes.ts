/** What is different between the volumes of two revisions of an app, and in how it is shown, in words. Pure. */
import type { AppSpec } from '#events/app.ts';
import { formatSize } from '#events/values/size.ts';
import { appFolderVolume } from '../compose/model.ts';
import { durationText } from '../compose/resolved/size-text.ts';

type VolumeSpec = AppSpec['volumes'][string];

/** Sorted by name; nothing of what is the same. */
export function volumeChangeWords(before: AppSpec, after: AppSpec): readonly string[] {
  const shown = (['title', 'icon', 'url'] as const).flatMap((key) =>
    before[key] === after[key] ? [] : [`The ${key} is ${after[key] ?? 'left out'}.`],
  );
  const names = [...new Set([...Object.keys(before.volumes), ...Object.keys(after.volumes)])].toSorted();
  return [...shown, ...names.flatMap((name) => volumeWords(name, before.volumes[name], after.volumes[name]))];
}

function volumeWords(name: string, old: VolumeSpec | undefined, now: VolumeSpec | undefined): readonly string[] {
  const called = name === appFolderVolume ? 'The folder of the compose file' : `Volume ${name}`;
  if (!now) return [`${called} goes; its data is kept.`];
  if (!old) return [`${called} is new: ${formatSize(now.sizeBytes)}.`];
  const what = parts.flatMap(([part, words]) => {
    const [was, is] = [words(old), words(now)];
    return was === is ? [] : [`${part} ${was} → ${is}`];
  });
  return what.length === 0 ? [] : [`${called}: ${what.join('; ')}.`];
}

const parts: readonly (readonly [string, (spec: VolumeSpec) => string])[] = [
  ['size', ({ sizeBytes }) => formatSize(sizeBytes)],
  ['room to grow', ({ growToBytes }) => (growToBytes === undefined ? 'none' : formatSize(growToBytes))],
  ['snapshots', ({ schedule }) => (schedule === undefined ? 'without a schedule' : `"${schedule}"`)],
  [
    'snapshots on change',
    ({ snapshotOnChange: one }) =>
      one ? `after ${durationText(one.settleMs)}, every ${durationText(one.minIntervalMs)} at most` : 'off',
  ],
  ['keep', ({ keep }) => keep ?? 'all'],
  ['hooks', ({ hooks }) => (hooks ? JSON.stringify(hooks) : 'none')],
  ['where it may be', ({ constraints }) => (constraints ? JSON.stringify(constraints) : 'anywhere')],
  ['replicas', ({ replicas }) => (replicas ? JSON.stringify(replicas) : 'none')],
  ['backups', ({ backup }) => (backup ? `to ${backup.target} "${backup.schedule}"${backupTerms(backup)}` : 'none')],
];

const backupTerms = ({ keep, testRestoreEveryMs }: NonNullable<VolumeSpec['backup']>): string =>
  [
    keep === undefined ? '' : `, keep ${keep}`,
    testRestoreEveryMs === undefined ? '' : `, test restore every ${durationText(testRestoreEveryMs)}`,
  ].join('');
