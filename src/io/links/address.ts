/** Where a node listens: `atlas.lan:7401`, `192.168.1.7:7401`, `[fe80::1]:7401`. */
import { isIPv6 } from 'node:net';

export interface Address {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

export const hostPort = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** @returns undefined for anything else */
export function parseHostPort(text: string): Address | undefined {
  const found = /^(?:\[([0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?)\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})$/.exec(text);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  if (host === undefined || port < 1 || port > 65535) return undefined;
  if (found?.[1] !== undefined && !isIPv6(host)) return undefined;
  return { host, port };
}
