/**
 * What a new context is called: after its host, with the port where that is not the usual one, so that two labs of one
 * machine can be told apart. A server that has a context keeps its name, and no name is taken from another server.
 */
import type { Context } from './contexts.ts';

const usualPort = '7400';

/** `https://atlas.lab:7400` → `atlas`, `http://127.0.0.1:7481` → `127.0.0.1-7481` */
export function contextName(server: string, contexts: Readonly<Record<string, Context>>): string {
  const existing = Object.entries(contexts).find(([, context]) => context.server === server);
  if (existing) return existing[0];
  const { protocol, hostname, port: said } = new URL(server);
  const port = said === '' ? (protocol === 'https:' ? '443' : '80') : said;
  const host = hostname.replace(/[[\]]/g, '');
  const short = /^[\d.]+$/.test(host) || host.includes(':') ? host : (host.split('.')[0] ?? host);
  const names = [...(port === usualPort ? [short] : []), `${short}-${port}`, `${host}-${port}`];
  const free = (name: string): boolean => !Object.hasOwn(contexts, name);
  // The same host and port under another scheme is left: a number has to tell them apart.
  for (let n = 2; ; n++) {
    const name = names.find(free);
    if (name !== undefined) return name;
    names.push(`${host}-${port}-${n}`);
  }
}
