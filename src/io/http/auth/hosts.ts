/**
 * Which names this server answers to, and which pages may use a person's cookie.
 *
 * A page of somebody else's can make its own name point to 127.0.0.1 (DNS rebinding) and then talks to this server as
 * if it were its own. Its name gives it away: on plain HTTP, which is served on loopback only, the `Host` header must
 * be a name of this machine. Under TLS the certificate does the same, as it does not cover the stranger's name.
 */
import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Addresses of this machine that no other machine reaches; `localhost` and its subdomains count. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').replace(/^::ffff:(?=[\d.]+$)/i, '');
  const family = isIP(bare);
  if (family === 0) return /^(?:[^.]+\.)*localhost\.?$/i.test(bare);
  return loopback.check(bare, family === 6 ? 'ipv6' : 'ipv4');
}

/** The host of a `Host` header, in lower case, without its port; undefined when it is none. */
function hostnameOf(header: string | undefined): string | undefined {
  if (header === undefined || !/^[\w.:[\]-]+$/.test(header)) return undefined;
  try {
    return new URL(`http://${header}`).hostname;
  } catch {
    return undefined;
  }
}

/** Names and addresses beside loopback, in lower case, IPv6 without brackets. */
export interface HostNames {
  /** What this machine is called. */
  readonly own: ReadonlySet<string>;
  /** What the settings say people call it: a name in DNS, a proxy in front of it. */
  readonly given: ReadonlySet<string>;
}

export function answersTo(header: string | undefined, { own, given }: HostNames, isEncrypted: boolean): boolean {
  const host = hostnameOf(header);
  if (host === undefined) return false;
  const bare = host.replace(/^\[|\]$/g, '');
  return isEncrypted || isLoopback(host) || own.has(bare) || given.has(bare);
}

export interface Sent {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`, which pages cannot set. */
  readonly site: string | undefined;
}

/** Whether a page of this very server sent it. A request that does not say where it comes from does not count. */
export function isSameOrigin({ host, origin, site }: Sent, names: HostNames): boolean {
  if (site !== undefined) return site === 'same-origin';
  return originIs(origin, host, names);
}

/**
 * A proxy may put its own name into `Host`. Then a name that the settings give counts as well, at the port that needs
 * not be said: other ports of it may belong to somebody else.
 */
export function originIs(origin: string | undefined, host: string | undefined, { given }: HostNames): boolean {
  if (origin === undefined || host === undefined) return false;
  try {
    const page = new URL(origin);
    if (!/^https?:$/.test(page.protocol)) return false;
    const isGiven = page.port === '' && given.has(page.hostname.replace(/^\[|\]$/g, ''));
    return isGiven || page.host === new URL(`${page.protocol}//${host}`).host;
  } catch {
    return false;
  }
}
