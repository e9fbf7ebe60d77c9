/**
 * Where an app is reached: the address that its owner gave it, or one made from its first published port. An app that
 * was stopped or has failed listens nowhere, although a failed one still has its node: only what its owner wrote down
 * is said of it. The web app and the command line both ask here, so that they say the same.
 */
import type { PublishedPort } from '#events/app.ts';
import type { AppRow } from '#projections/views/apps.ts';

export interface Reach {
  /** What leads to the machine of the apps: a lab of one machine is where its people reach it. */
  readonly host: string;
  /** Nothing of a simulated app listens anywhere: its address is no link. */
  readonly simulated: boolean;
}

type Reached = Pick<AppRow, 'url' | 'services' | 'node' | 'state'>;

/**
 * @returns a link, or `host:port/udp`, which is none; in a simulated lab the same without what makes it a link; null
 *   when the app is reached nowhere
 */
export function addressOf(app: Reached, { host, simulated }: Reach): string | null {
  if (app.url !== null) return simulated ? bare(app.url) : app.url;
  const port = isResting(app) ? undefined : portOf(app);
  if (!port || !app.node) return null;
  return simulated ? `${app.node.name}:${port.published}` : linkTo(port, hostOf(port) ?? host);
}

/** Whether a browser can go there. */
export const isLink = (address: string): boolean => /^https?:\/\//i.test(address);

/** Whether nothing of an app runs, or will before somebody starts it. */
export const isResting = ({ state }: Pick<AppRow, 'state'>): boolean => state === 'stopped' || state === 'failed';

const bare = (url: string): string => url.replace(/^https?:\/\//i, '').replace(/\/$/, '');

/** What a browser can open comes first. */
function portOf({ services }: Reached): PublishedPort | undefined {
  const ports = Object.values(services).flatMap((service) => service.ports);
  return ports.find(({ protocol }) => protocol === 'tcp') ?? ports[0];
}

function linkTo({ published, protocol }: PublishedPort, host: string): string {
  if (protocol !== 'tcp') return `${host}:${published}/${protocol}`;
  if (published === 443) return `https://${host}`;
  return published === 80 ? `http://${host}` : `http://${host}:${published}`;
}

/** The one address that it is published on; undefined when that is every one. */
function hostOf({ hostIp }: PublishedPort): string | undefined {
  if (hostIp === undefined || hostIp === '0.0.0.0' || hostIp === '::') return undefined;
  return hostIp.includes(':') ? `[${hostIp}]` : hostIp;
}
