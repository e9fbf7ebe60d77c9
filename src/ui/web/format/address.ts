/**
 * Where an app is reached: the address that its owner gave it, or one made from its first published port. The command
 * line says the same; a test compares them.
 */
import type { PublishedPort } from '#events/app.ts';
import type { AppRow } from '#projections/views/apps.ts';

type Reached = Pick<AppRow, 'url' | 'services' | 'node'>;

/**
 * @param host what leads to the machine of the apps: a lab of one machine is where its people reach it
 * @returns a link, or `host:port/udp`, which is none; null when the app is reached nowhere
 */
export function addressOf(app: Reached, host: string): string | null {
  if (app.url !== null) return app.url;
  const port = portOf(app);
  return port && app.node ? linkTo(port, hostOf(port) ?? host) : null;
}

/** Of a simulated app, whose address is no link: without what makes it one. */
export function bareAddressOf(app: Reached): string | null {
  if (app.url !== null) return app.url.replace(/^https?:\/\//i, '').replace(/\/$/, '');
  const port = portOf(app);
  return port && app.node ? `${app.node.name}:${port.published}` : null;
}

/** Whether a browser can go there. */
export const isLink = (address: string): boolean => /^https?:\/\//i.test(address);

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
