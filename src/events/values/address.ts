/**
 * Addresses of the internet and ranges of them (CIDR), as numbers that can be compared.
 *
 * An IPv4 address that is written inside IPv6 (`::ffff:192.0.2.7`, as sockets of both families report it) is the IPv4
 * address. A zone (`fe80::1%eth0`) says which network card, not who: it is left out.
 */
import * as z from 'zod';

export interface Address {
  readonly family: 4 | 6;
  readonly bits: bigint;
}

export interface Range {
  readonly address: Address;
  /** Leading bits that count: 0 to 32, or to 128. */
  readonly prefix: number;
}

const widthOf = { 4: 32, 6: 128 } as const;

/** @returns undefined when the text is no address */
export function parseAddress(text: string): Address | undefined {
  const [address = ''] = text.split('%');
  const v4 = bits4(address);
  if (v4 !== undefined) return { family: 4, bits: v4 };
  const v6 = bits6(address);
  if (v6 === undefined) return undefined;
  return v6 >> 32n === 0xffffn ? { family: 4, bits: v6 & 0xffff_ffffn } : { family: 6, bits: v6 };
}

/** @param text `192.168.1.0/24`, `fd00::/8`, or one address @returns undefined when it is neither */
export function parseRange(text: string): Range | undefined {
  const [written = '', length, ...more] = text.split('/');
  const address = written.includes('%') ? undefined : parseAddress(written);
  if (!address || more.length > 0) return undefined;
  const width = widthOf[address.family];
  if (length === undefined) return { address, prefix: width };
  // In a range of IPv4 inside IPv6 the length counts from the beginning of the longer address.
  const skipped = address.family === 4 && written.includes(':') ? 96 : 0;
  const prefix = Number(length) - skipped;
  return /^\d{1,3}$/.test(length) && prefix >= 0 && prefix <= width ? { address, prefix } : undefined;
}

export function isWithin(address: Address, range: Range): boolean {
  if (address.family !== range.address.family) return false;
  const ignored = BigInt(widthOf[address.family] - range.prefix);
  return address.bits >> ignored === range.address.bits >> ignored;
}

/** One address, or a range of them. */
export const addressRange = z
  .string()
  .max(64)
  .refine((text) => parseRange(text) !== undefined, 'write an address or a range such as 192.168.1.0/24 or fd00::/8');

function bits4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let bits = 0n;
  for (const part of parts) {
    // A leading zero means octal to some programs and nothing to others: it is refused.
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bits = (bits << 8n) | BigInt(part);
  }
  return bits;
}

function bits6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groupsOf);
  if (!head || (halves.length === 2 && !tail)) return undefined;
  // Four in decimal stand at the very end, or nowhere.
  if (halves.length === 2 && halves[0]?.includes('.')) return undefined;
  const left = 8 - head.length - (tail?.length ?? 0);
  if (halves.length === 2 ? left < 1 : left !== 0) return undefined;
  return [...head, ...Array.from({ length: left }, () => 0n), ...(tail ?? [])].reduce(
    (bits, group) => (bits << 16n) | group,
    0n,
  );
}

/** Groups of four hexadecimal digits; the last may be an IPv4 address, which stands for two. */
function groupsOf(text: string): readonly bigint[] | undefined {
  if (text === '') return [];
  const groups: bigint[] = [];
  const parts = text.split(':');
  for (const [n, part] of parts.entries()) {
    const v4 = n === parts.length - 1 && part.includes('.') ? bits4(part) : undefined;
    if (v4 !== undefined) groups.push(v4 >> 16n, v4 & 0xffffn);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return groups;
}
