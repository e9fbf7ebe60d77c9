/**
 * What a file is beside its content, as bytes: in a stream, in a digest and for the kernel the same ones.
 *
 *   owner u32 │ group u32 │ mode u32, with the kind of file │ seconds of the last change i64 │ nanoseconds u32
 *   attributes: (length u8 │ name │ length u32 │ value)…, sorted by name; access lists are among them
 *
 * When it was read last, and when its metadata changed, are not part of it: nobody can set the one in good faith, and
 * nobody at all the other.
 */
import type { BigIntStats } from 'node:fs';
import { constants } from 'node:fs';

export interface Metadata {
  /** 24 bytes. */
  readonly fixed: Buffer;
  readonly attributes: Buffer;
}

export const fixedBytes = 24;
const billion = 1_000_000_000n;

export function metadataOf(stats: BigIntStats, attributes: Buffer): Metadata {
  const fixed = Buffer.allocUnsafe(fixedBytes);
  fixed.writeUInt32LE(Number(stats.uid), 0);
  fixed.writeUInt32LE(Number(stats.gid), 4);
  fixed.writeUInt32LE(Number(stats.mode), 8);
  const nanoseconds = ((stats.mtimeNs % billion) + billion) % billion;
  fixed.writeBigInt64LE((stats.mtimeNs - nanoseconds) / billion, 12);
  fixed.writeUInt32LE(Number(nanoseconds), 20);
  return { fixed, attributes };
}

export const isSame = (a: Metadata, b: Metadata): boolean =>
  a.fixed.equals(b.fixed) && a.attributes.equals(b.attributes);

/** Without the fraction of the time. */
export function inSeconds({ fixed, attributes }: Metadata): Metadata {
  const whole = Buffer.from(fixed);
  whole.writeUInt32LE(0, fixedBytes - 4);
  return { fixed: whole, attributes };
}

export const modeOf = (metadata: Metadata): number => metadata.fixed.readUInt32LE(8);

export type Kind = 'file' | 'folder' | 'link' | 'special';

/** @returns undefined for what no Linux knows */
export function kindOf(mode: number): Kind | undefined {
  switch (mode & constants.S_IFMT) {
    case constants.S_IFREG:
      return 'file';
    case constants.S_IFDIR:
      return 'folder';
    case constants.S_IFLNK:
      return 'link';
    case constants.S_IFIFO:
    case constants.S_IFSOCK:
    case constants.S_IFBLK:
    case constants.S_IFCHR:
      return 'special';
    default:
      return undefined;
  }
}

export interface Device {
  readonly major: number;
  readonly minor: number;
}

/** Of a device node: the two halves of what `stat` calls `rdev`. */
export const deviceOf = ({ rdev }: BigIntStats): Device => ({
  major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
  minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
});
