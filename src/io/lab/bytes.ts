/** Keys and values of the state database. */
import { Packr } from 'msgpackr';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const toBytes = (text: string): Uint8Array => encoder.encode(text);
export const fromBytes = (bytes: Uint8Array): string => decoder.decode(bytes);

const packr = new Packr({ useRecords: false });
/** Names the keys of a shape once in a value, not in each object: half the bytes for many objects, more for one. */
const listPackr = new Packr({ useRecords: true });

export const packValue = (value: unknown): Uint8Array => packr.pack(value);
export const unpackValue = <T>(bytes: Uint8Array): T => packr.unpack(bytes) as T;

/** Many objects of a few shapes as one value, which is read as a whole. */
export const packList = (list: readonly unknown[]): Uint8Array => listPackr.pack(list);
export const unpackList = <T>(bytes: Uint8Array): readonly T[] => listPackr.unpack(bytes) as T[];

/** All keys that begin with the prefix. */
export const withPrefix = (prefix: string): { gte: Uint8Array; lt: Uint8Array } => ({
  gte: toBytes(prefix),
  lt: toBytes(prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)),
});
