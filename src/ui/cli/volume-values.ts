/** What people type of volumes, read: sizes, owners, modes, policies, and where they may be. */
import { parseDuration } from '#events/values/duration.ts';
import { parseKeep } from '#events/values/keep.ts';
import { poolDriver } from '#events/values/pool.ts';
import { formatSize, minVolumeBytes, parseSize } from '#events/values/size.ts';
import {
  compression,
  recordSize,
  volumeConstraints,
  volumeMode,
  volumeOwner,
  type VolumeConstraints,
  type VolumeSpec,
} from '#events/volume.ts';
import type { Command } from 'commander';
import { usageError } from './errors.ts';
import { labelsOf } from './labels.ts';

/** @param least of what is asked for: a number below it is taken for one whose unit was forgotten */
export function sizeOf(text: string, option = '--size', least = 0): number {
  const bytes = parseSize(text);
  if (bytes === undefined)
    throw usageError(`${option} ${text} is not a size.`, `Write for example 512MiB or 5GiB. ${unitWords}`);
  if (bytes < least && /^\s*[\d.]+\s*$/.test(text))
    throw usageError(
      `${option} ${text} has no unit: that is ${formatSize(bytes)}.`,
      `Write for example ${text.trim()}GiB. ${unitWords}`,
    );
  return bytes;
}

export const volumeSizeOf = (text: string, option = '--size'): number => sizeOf(text, option, minVolumeBytes);

const unitWords = 'Units are KiB, MiB, GiB, TiB and PiB; K, M, G, T and P mean the same.';

export function keepOf(text: string): string {
  const rules = text === '' ? [] : parseKeep(text);
  if (typeof rules === 'string') throw usageError(`--keep: ${rules}.`);
  return text;
}

export function ownerOf(text: string): NonNullable<VolumeSpec['owner']> {
  const [, uid, gid] = /^(\d{1,10}):(\d{1,10})$/.exec(text) ?? [];
  const owner = volumeOwner.safeParse({ uid: Number(uid), gid: Number(gid) });
  if (!owner.success)
    throw usageError(
      `--owner ${text} is not uid:gid.`,
      'Write the numbers that the container uses, for example 999:999.',
    );
  return owner.data;
}

export function modeOf(text: string): number {
  const mode = volumeMode.safeParse(/^[0-7]{3,5}$/.test(text) ? Number.parseInt(text, 8) : undefined);
  if (!mode.success) throw usageError(`--mode ${text} is not a mode.`, 'Write it in octal digits, for example 0750.');
  return mode.data;
}

export function recordSizeOf(text: string): number {
  const bytes = recordSize.safeParse(sizeOf(text, '--record-size'));
  if (!bytes.success) throw usageError(`--record-size ${text}: use a power of two, from 512B to 1MiB.`);
  return bytes.data;
}

export function compressionOf(text: string): NonNullable<VolumeSpec['compression']> {
  const how = compression.safeParse(text);
  if (!how.success) throw usageError(`--compression ${text}: use one of ${compression.options.join(', ')}.`);
  return how.data;
}

export function durationOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < 60_000)
    throw usageError(`--keep-for ${text} is not a duration.`, 'Write for example 12h or 30d, at least a minute.');
  return ms;
}

export interface PlacingOptions {
  readonly growTo?: string;
  readonly nodeLabel?: readonly string[];
  readonly pool?: string;
  readonly driver?: string;
  readonly anywhere?: boolean;
}

/** Where a volume may be, and how far it shall be able to grow there. */
export function placingOptions(command: Command): void {
  command
    .option('--grow-to <size>', 'room that is kept for it, its size included; 0 keeps none')
    .option('--node-label <key=value...>', 'only on a node with these labels')
    .option('--pool <pool>', 'only in a pool of this name')
    .option('--driver <driver>', 'only in a pool of this kind: btrfs, zfs, dir')
    .option('--anywhere', 'without such constraints');
}

export function placingOf({ growTo, nodeLabel, pool, driver, anywhere }: PlacingOptions): {
  growToBytes?: number;
  constraints?: VolumeConstraints;
} {
  const wanted = {
    ...(nodeLabel === undefined ? {} : { labels: labelsOf(nodeLabel, '--node-label ') }),
    ...(pool === undefined ? {} : { pool }),
    ...(driver === undefined ? {} : { driver }),
  };
  const isSaid = Object.keys(wanted).length > 0;
  if (anywhere === true && isSaid) throw usageError('Say --anywhere, or --node-label, --pool and --driver, not both.');
  const isDriver = driver === undefined || poolDriver.safeParse(driver).success;
  if (!isDriver) throw usageError(`--driver ${driver}: use one of ${poolDriver.options.join(', ')}.`);
  const constraints = volumeConstraints.safeParse(wanted);
  if (!constraints.success)
    throw usageError(`These constraints are not valid: ${constraints.error.issues[0]?.message ?? 'unknown'}.`);
  return {
    ...(growTo === undefined ? {} : { growToBytes: growTo === '0' ? 0 : volumeSizeOf(growTo, '--grow-to') }),
    ...(isSaid || anywhere === true ? { constraints: constraints.data } : {}),
  };
}
