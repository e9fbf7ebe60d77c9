/** Keys and values of the state database. */
import { pack, Unpackr } from 'msgpackr';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const toBytes = (text: string): Uint8Array => encoder.encode(text);
export const fromBytes = (bytes: Uint8Array): string => decoder.decode(bytes);

export const packValue = (value: unknown): Uint8Array => pack(value);

const unpackr = new Unpackr();
/** A copy is unpacked, because a store may use its buffer again. */
export const unpackValue = <T>(bytes: Uint8Array): T => unpackr.unpack(bytes) as T;

/** All keys that begin with the prefix. */
export const withPrefix = (prefix: string): { gte: Uint8Array; lt: Uint8Array } => ({
  gte: toBytes(prefix),
  lt: toBytes(prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)),
});
