/**
 * Names of things that nobody names: calculated, never drawn. The same command, repeated after a crash or by another
 * leader, makes the same objects; a policy that fires twice for one cause makes one command.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** @returns 16 characters (80 bits) of a–z and 0–9 that depend on all parts and their order */
export function idFrom(...parts: readonly (string | number)[]): string {
  const hash = sha256(utf8ToBytes(JSON.stringify(parts)));
  let id = '';
  let bits = 0;
  let buffer = 0;
  for (let i = 0; id.length < 16; i++) {
    buffer = (buffer << 8) | (hash[i] ?? 0);
    bits += 8;
    while (bits >= 5 && id.length < 16) {
      bits -= 5;
      id += alphabet[(buffer >> bits) & 31];
    }
    buffer &= (1 << bits) - 1;
  }
  return id;
}

/** A UUID (version 8, RFC 9562) that belongs to an object's id. */
export function uuidFrom(id: string): string {
  const bytes = sha256(utf8ToBytes(`uuid:${id}`)).slice(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
