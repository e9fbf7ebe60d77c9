/** Keys and values of the state database. */
import { Packr } from 'msgpackr';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const toBytes = (text: string): Uint8Array => encoder.encode(text);
export const fromBytes = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Without records every value can be read by itself, and by any other reader of msgpack. */
const packr = new Packr({ useRecords: false });

export const packValue = (value: unknown): Uint8Array => packr.pack(value);
export const unpackValue = <T>(bytes: Uint8Array): T => packr.unpack(bytes) as T;

/** All keys that begin with the prefix. */
export const withPrefix = (prefix: string): { gte: Uint8Array; lt: Uint8Array } => ({
  gte: toBytes(prefix),
  lt: toBytes(prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)),
});
