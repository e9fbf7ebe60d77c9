/**
 * Whether two published ports of one node get into each other's way. Without an address, or with one of all zeros, a
 * port is taken on every address (of its family).
 */
import type { PublishedPort } from '#events/app.ts';

type Published = Pick<PublishedPort, 'hostIp' | 'published' | 'protocol'>;

/** Only ports of one key can clash. */
export const portKey = ({ published, protocol }: Published): string => `${published}/${protocol}`;

export const clash = (a: Published, b: Published): boolean => portKey(a) === portKey(b) && overlap(a.hostIp, b.hostIp);

function overlap(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  const sameFamily = a.includes(':') === b.includes(':');
  return sameFamily && (isWildcard(a) || isWildcard(b) || plainAddress(a) === plainAddress(b));
}

const isWildcard = (ip: string): boolean => /^[0:.]+$/.test(ip);

/** The shortest spelling of an IPv6 address. */
function plainAddress(ip: string): string {
  const url = `http://[${ip}]`;
  return ip.includes(':') && URL.canParse(url) ? new URL(url).hostname : ip;
}
