/** What happens to backups and to where they go, as sentences. */
import type { ActorState } from '#actors/actor.ts';
import { homeOfStore } from '#actors/backup-target/known.ts';
import { counted } from '#actors/counted.ts';
import type { TargetStore } from '#events/backup-target.ts';
import type { EventOf } from '#events/envelope.ts';
import type { EventType } from '#events/registry.ts';
import { formatSize } from '#events/values/size.ts';
import { refTo } from './refs.ts';
import type { About } from './words.ts';

type Told = Extract<EventType, `backup.${string}` | `backup-target.${string}`>;
type BackupWords = { readonly [T in Told]: (event: EventOf<T>, about: About) => string };

/** `/mnt/usb/backups on atlas`, `s3://bucket/prefix at https://s3.example` */
export function storeWords(store: TargetStore, nodeName: string | undefined): string {
  if (store.kind === 'pool') return `pool ${store.pool} on ${nodeName ?? 'a node'} (${formatSize(store.sizeBytes)})`;
  if (store.kind === 'lab') return `${store.vault} of the lab at ${store.endpoint}`;
  if (store.kind === 'directory') return nodeName === undefined ? store.path : `${store.path} on ${nodeName}`;
  return `s3://${store.bucket}${store.prefix === '' ? '' : `/${store.prefix}`} at ${store.endpoint}`;
}

const whereOf = (about: About): string => {
  const { target } = (about.actor as ActorState<'backup'>).context;
  return refTo(about.lab, target)?.name ?? 'a target that is gone';
};

/** Errors of devices end without a full stop. */
const sentence = (message: string): string => (/[.!?]$/.test(message) ? message : `${message}.`);

export const backupWords: BackupWords = {
  'backup-target.added': ({ data }, { name, lab, v }) => {
    const node = refTo(lab, homeOfStore(data.spec.store))?.name;
    return `Backup target ${name} ${v('was', 'would be')} added: ${storeWords(data.spec.store, node)}.`;
  },
  'backup-target.changed': (_, { name, v }) => `Backup target ${name} ${v('was', 'would be')} changed.`,
  'backup-target.check-requested': ({ data }, { name, lab, v }) =>
    `Backup target ${name} ${v('is', 'would be')} looked at by ${refTo(lab, data.node)?.name ?? 'a node'}.`,
  'backup-target.checked': ({ data }, { name, v }) =>
    `Backup target ${name} ${v('is', 'would be')} there, with ${counted(data.backups, 'backup')}.`,
  'backup-target.check-failed': ({ data }, { name, v }) =>
    `Backup target ${name} ${v('cannot', 'would not')} be used: ${sentence(data.problem.message)}`,
  'backup-target.prune-requested': (_, { name, v }) =>
    `What no backup in ${name} needs any more ${v('is being', 'would be')} removed there.`,
  'backup-target.pruned': ({ data }, { name, v }) =>
    `Backup target ${name} ${v('was', 'would be')} pruned: ${formatSize(data.deletedBytes)} are free again.`,
  'backup-target.prune-failed': ({ data }, { name, v }) =>
    `Backup target ${name} ${v('could not', 'would not')} be pruned: ${sentence(data.problem.message)}`,
  'backup-target.removed': (_, { name, v }) =>
    `Backup target ${name} ${v('was', 'would be')} removed; what lies there stays.`,
  'backup.requested': ({ data }, about) =>
    `Backup ${about.name} of volume ${data.volumeName} ${about.v('was', 'would be')} asked for, to ${whereOf(about)}.`,
  'backup.found': ({ data }, about) =>
    `Backup ${about.name} of volume ${data.volumeName} ${about.v('was', 'would be')} found in ${whereOf(about)} (${formatSize(data.sizeBytes)}).`,
  'backup.began': ({ data }, { name, lab, v }) =>
    `Backup ${name} ${v('is', 'would be')} written by ${refTo(lab, data.node)?.name ?? 'its node'}.`,
  'backup.written': ({ data }, about) =>
    `Backup ${about.name} ${about.v('lies', 'would lie')} in ${whereOf(about)} (${formatSize(data.sizeBytes)}, ${formatSize(data.addedBytes)} of it new there), and ${about.v('is', 'would be')} read back.`,
  'backup.verify-requested': (_, { name, v }) => `Backup ${name} ${v('is', 'would be')} read back.`,
  'backup.verified': ({ data }, { name, v }) =>
    `Backup ${name} ${v('was', 'would be')} read back and is whole (${formatSize(data.readBytes)}).`,
  'backup.found-damaged': ({ data }, { name, v }) =>
    `Backup ${name} ${v('is', 'would be')} damaged: ${sentence(data.problem.message)}`,
  'backup.verify-failed': ({ data }, { name, v }) =>
    `Backup ${name} ${v('could not', 'would not')} be read back: ${sentence(data.problem.message)}`,
  'backup.restore-test-requested': ({ data }, { name, lab, v }) =>
    `Backup ${name} ${v('is', 'would be')} restored as a test, into pool ${data.pool} on ${refTo(lab, data.node)?.name ?? 'a node'}.`,
  'backup.restore-tested': ({ data }, { name, v }) =>
    `Backup ${name} ${v('came', 'would come')} back as it was backed up: ${counted(data.files, 'file')} in ${counted(data.folders, 'folder')} (${formatSize(data.bytes)}).`,
  'backup.restore-test-failed': ({ data }, { name, v }) =>
    `Backup ${name} ${v('could not', 'would not')} be restored as a test: ${sentence(data.problem.message)}`,
  'backup.failed': ({ data }, { name, v }) =>
    `Backup ${name} ${v('failed', 'would fail')}: ${sentence(data.problem.message)}`,
  'backup.removal-requested': ({ data }, { name, v }) =>
    `Backup ${name} ${v('is being', 'would be')} removed: ${data.because}.`,
  'backup.removed': (_, { name, v }) => `Backup ${name} ${v('is', 'would be')} gone.`,
  'backup.forgotten': (_, { name, v }) =>
    `The lab ${v('knows', 'would know')} of backup ${name} no more; what lies in its target stays.`,
};
