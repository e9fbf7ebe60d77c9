/**
 * Makes a pool on devices: format, mount, folders. Interrupted anywhere, a repetition finds what was formatted by its
 * label and goes on; nothing is formatted twice.
 */
import { mkdir, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { IoError } from '../../error.ts';
import type { Deadline } from '../../volumes/deadline.ts';
import { ensureFolder } from '../../volumes/btrfs/layout.ts';
import { claimDevices, type DeviceInspector } from '../devices.ts';
import { checkDevices } from '../names.ts';
import type { Layout, ManagedPool, PoolSpec } from '../port.ts';
import type { Commands } from './commands.ts';
import { parseFilesystemShow } from './parse.ts';

/** What btrfs calls the layouts; its own RAID 5 and 6 lose data when the power goes, so there are none here. */
const profiles: Readonly<Partial<Record<Layout, string>>> = {
  single: 'single',
  mirror: 'raid1',
  raid1c3: 'raid1c3',
  raid1c4: 'raid1c4',
  raid10: 'raid10',
};

/** @throws IoError UNSUPPORTED */
export function profileOf(op: string, layout: Layout): string {
  const profile = profiles[layout];
  if (profile !== undefined) return profile;
  throw new IoError('UNSUPPORTED', {
    op,
    target: layout,
    message: `btrfs has no ${layout} that survives a power cut`,
    hint: 'Choose mirror, raid1c3 or raid10; or make the pool with zfs.',
  });
}

/** Of metadata there are always two copies where that is possible. */
export const metadataProfile = (profile: string, devices: number): string =>
  profile === 'single' ? (devices === 1 ? 'dup' : 'raid1') : profile;

export const labelOf = (name: string): string => `floatlab-${name}`;

export interface Making {
  readonly commands: Commands;
  readonly inspector: DeviceInspector;
  readonly within: Deadline;
  readonly step: (step: string) => void | Promise<void>;
}

/** @param anew also where the pool is on them already @throws IoError BUSY, HELD, INVALID, UNSUPPORTED */
export async function formatDevices(
  making: Making,
  spec: PoolSpec,
  devices: readonly string[],
  anew = false,
): Promise<void> {
  const op = 'create the pool';
  const profile = profileOf(op, spec.layout);
  checkDevices(op, devices, spec.layout);
  if (!anew && (await isFormatted(making.commands, spec.name, devices))) return;
  const paths = await claimDevices(making.inspector, op, devices, spec.erase ?? false, making.within);
  const redundancy = ['--data', profile, '--metadata', metadataProfile(profile, paths.length)];
  // Without --force it refuses once more whatever is not empty.
  const force = spec.erase ? ['--force'] : [];
  await making.commands.must('mkfs.btrfs', '--quiet', ...force, '--label', labelOf(spec.name), ...redundancy, ...paths);
  await making.step('formatted');
}

/** Whether exactly these devices are the pool already. */
async function isFormatted(commands: Commands, name: string, devices: readonly string[]): Promise<boolean> {
  const [first = ''] = devices;
  const ran = await commands.ask('btrfs', 'filesystem', 'show', '--raw', first);
  const [found] = (ran.exitCode === 0 ? parseFilesystemShow(ran.stdout) : undefined) ?? [];
  if (found?.label !== labelOf(name)) return false;
  return await samePaths(
    devices,
    found.devices.map(({ path }) => path ?? ''),
  );
}

/** Links followed: whether both are the same devices. */
export async function samePaths(some: readonly string[], others: readonly string[]): Promise<boolean> {
  // One that is gone is still named.
  const real = async (paths: readonly string[]) =>
    (await Promise.all(paths.map((path) => realpath(path).catch(() => path)))).toSorted().join('\n');
  return (await real(some)) === (await real(others));
}

/** @throws IoError INVALID when there are files where it belongs */
export async function mountDevices(
  { commands, step }: Making,
  mountpoint: string,
  devices: readonly string[],
): Promise<void> {
  await mkdir(mountpoint, { recursive: true, mode: 0o711 });
  const files = await readdir(mountpoint);
  if (files.length > 0) {
    throw new IoError('INVALID', {
      op: 'mount',
      target: mountpoint,
      message: `${mountpoint} is not empty: ${files.slice(0, 5).join(', ')}`,
      hint: 'Move away what is there, then ask again.',
    });
  }
  const [first = ''] = devices;
  // After a boot the kernel knows only those disks of a pool that it is told of.
  const all = devices.map((device) => `device=${device}`);
  await commands.must(
    'mount',
    '-t',
    'btrfs',
    '-o',
    ['nodev', 'nosuid', 'noatime', ...all].join(','),
    first,
    mountpoint,
  );
  await step('mounted');
}

/** What volumes need in a pool. */
export async function preparePool({ commands, step }: Making, pool: ManagedPool): Promise<void> {
  const top = pool.mountpoint ?? '';
  await ensureFolder(join(top, 'floatlab'), 0o711);
  await ensureFolder(join(top, 'floatlab', 'volumes'), 0o711);
  await step('folders');
  await commands.must('btrfs', 'quota', 'enable', top);
}
