/**
 * The outside of a btrfs stream: enough to know what it makes of what before the file system sees a byte, and whether it
 * came to its end. Little-endian (linux: fs/btrfs/send.h):
 *
 *     "btrfs-stream\0" version:u32
 *     command*         length:u32 type:u16 crc:u32 payload       crc: CRC-32C of the command with crc = 0
 *       attribute*     type:u16 length:u16 value
 *
 * The first command names the snapshot, and for a stream with a base the base; the last one is END. `btrfs receive` takes
 * a stream that ends between two commands for a whole one, so whoever feeds it must have seen END.
 */
import { crc32c } from './crc32c.ts';

const magic = Buffer.from('btrfs-stream\0');
const headerBytes = magic.length + 4;
const commandBytes = 10;
const command = { subvolume: 1, snapshot: 2, end: 21 } as const;
const attribute = { uuid: 1, path: 15, baseUuid: 20 } as const;
/** More than a first command can have: two uuids, two numbers and a name. */
const longestHead = headerBytes + commandBytes + 8192;

export interface StreamHead {
  readonly version: number;
  /** As `btrfs subvolume show` writes it. */
  readonly guid: string;
  readonly base: string | undefined;
  /** Of magic, version and first command. */
  readonly bytes: number;
}

/** @returns `more` when it must have more of the stream to tell, `none` when it is no such stream */
export function readHead(start: Buffer): StreamHead | 'more' | 'none' {
  if (!magic.subarray(0, start.length).equals(start.subarray(0, magic.length))) return 'none';
  if (start.length < headerBytes + commandBytes) return 'more';
  const bytes = headerBytes + commandBytes + start.readUInt32LE(headerBytes);
  if (bytes > longestHead) return 'none';
  if (start.length < bytes) return 'more';
  const first = start.subarray(headerBytes, bytes);
  if (checksum(first) !== first.readUInt32LE(6)) return 'none';
  const type = first.readUInt16LE(4);
  const attributes = attributesOf(first);
  const guid = uuidOf(attributes?.get(attribute.uuid));
  const base = uuidOf(attributes?.get(attribute.baseUuid));
  if (guid === undefined || (type === command.snapshot) !== (base !== undefined)) return 'none';
  if (type !== command.subvolume && type !== command.snapshot) return 'none';
  return { version: start.readUInt32LE(magic.length), guid, base, bytes };
}

/** The head of the same stream, which makes a snapshot of another name: one path part, without a slash. */
export function renamedHead(head: Buffer, name: string): Buffer {
  const first = head.subarray(headerBytes);
  const parts = [...(attributesOf(first) ?? [])].map(([type, value]) => {
    const content = type === attribute.path ? Buffer.from(name) : value;
    const prefix = Buffer.alloc(4);
    prefix.writeUInt16LE(type, 0);
    prefix.writeUInt16LE(content.length, 2);
    return Buffer.concat([prefix, content]);
  });
  const payload = Buffer.concat(parts);
  const renamed = Buffer.concat([first.subarray(0, commandBytes), payload]);
  renamed.writeUInt32LE(payload.length, 0);
  renamed.writeUInt32LE(checksum(renamed), 6);
  return Buffer.concat([head.subarray(0, headerBytes), renamed]);
}

/** Follows the commands of a stream, piece by piece, behind its head. */
export function commandWalk() {
  const header = Buffer.alloc(commandBytes);
  let filled = 0;
  let skip = 0;
  let isOver = false;
  return {
    /** Nothing is behind the end, and what is there is whole. */
    get isWhole(): boolean {
      return isOver && skip === 0 && filled === 0;
    },
    /** @returns false when something comes behind the end */
    walk(piece: Uint8Array): boolean {
      let at = 0;
      while (at < piece.length) {
        if (isOver && skip === 0) return false;
        if (skip > 0) {
          const passed = Math.min(skip, piece.length - at);
          skip -= passed;
          at += passed;
          continue;
        }
        const taken = Math.min(commandBytes - filled, piece.length - at);
        header.set(piece.subarray(at, at + taken), filled);
        filled += taken;
        at += taken;
        if (filled < commandBytes) break;
        filled = 0;
        skip = header.readUInt32LE(0);
        isOver = header.readUInt16LE(4) === command.end;
      }
      return true;
    },
  };
}

function checksum(whole: Buffer): number {
  const zeroed = Buffer.from(whole);
  zeroed.writeUInt32LE(0, 6);
  return crc32c(zeroed);
}

function attributesOf(whole: Buffer): ReadonlyMap<number, Buffer> | undefined {
  const found = new Map<number, Buffer>();
  for (let at = commandBytes; at < whole.length;) {
    if (at + 4 > whole.length) return undefined;
    const [type, length] = [whole.readUInt16LE(at), whole.readUInt16LE(at + 2)];
    if (at + 4 + length > whole.length) return undefined;
    found.set(type, whole.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

function uuidOf(value: Buffer | undefined): string | undefined {
  if (value?.length !== 16) return undefined;
  const digits = value.toString('hex');
  return [0, 8, 12, 16, 20].map((from, n, all) => digits.slice(from, all[n + 1])).join('-');
}
