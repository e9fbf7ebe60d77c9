/**
 * The head of a zfs stream: enough to know what it makes of what before zfs sees a byte. Its first record is 312 bytes
 * (zfs: include/sys/zfs_ioctl.h), in the byte order of its sender:
 *
 *     0 type:u32 = 0 (BEGIN) · 4 payload:u32 · 8 magic:u64 · 16 version:u64 · 24 created:u64 · 32 kind:u32 · 36 flags:u32
 *     40 toguid:u64 · 48 fromguid:u64 (0: everything) · 56 toname
 */
const magic = 0x2f5bacbacn;
const headBytes = 312;
/** Of the features in the version: the stream goes on where another one ended. */
const resuming = 1n << 20n;

export interface ZfsHead {
  readonly guid: string;
  readonly base: string | undefined;
  readonly isResumed: boolean;
}

export function readZfsHead(start: Buffer): ZfsHead | 'more' | 'none' {
  const magicBytes = start.subarray(8, 16);
  if (start.length >= 16 && magicBytes.readBigUInt64LE() !== magic && magicBytes.readBigUInt64BE() !== magic)
    return 'none';
  if (start.length < headBytes) return 'more';
  const isLittle = magicBytes.readBigUInt64LE() === magic;
  const type = isLittle ? start.readUInt32LE(0) : start.readUInt32BE(0);
  if (type !== 0) return 'none';
  const at = (offset: number): bigint => (isLittle ? start.readBigUInt64LE(offset) : start.readBigUInt64BE(offset));
  const base = at(48);
  return {
    guid: at(40).toString(),
    base: base === 0n ? undefined : base.toString(),
    // The low two bits of the word are the kind of stream, the features lie above.
    isResumed: ((at(16) >> 2n) & resuming) !== 0n,
  };
}
