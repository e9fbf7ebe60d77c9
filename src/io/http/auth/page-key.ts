/**
 * The key that makes a cookie worth something. Cookies know no ports: whatever listens on another port of this host
 * name gets the lab's cookie along. Pages of different ports cannot read each other's storage, though, so a page that
 * signs in gets a random key to keep there, the signed token carries its hash, and only both together open a session.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { pageKeyProtocol } from '#io/contract/live.ts';

/** 256 bits, as text that fits a header and a subprotocol. */
export const makePageKey = (): string => randomBytes(32).toString('base64url');

/** What the token carries: tells nothing about the key. */
export const pageKeyHash = (key: string): string => digest(key).toString('base64url');

/** In the same time whatever differs. */
export function isPageKey(key: string, hash: string): boolean {
  const wanted = Buffer.from(hash, 'base64url');
  return wanted.length === 32 && timingSafeEqual(digest(key), wanted);
}

/** The key among the subprotocols that a page offers. */
export const keyInProtocols = (header: string | undefined): string | undefined =>
  header
    ?.split(',')
    .map((protocol) => protocol.trim())
    .find((protocol) => protocol.startsWith(pageKeyProtocol))
    ?.slice(pageKeyProtocol.length);

const digest = (key: string): Buffer => createHash('sha256').update(key).digest();
