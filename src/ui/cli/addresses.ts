/** Where an app is reached: the address that its owner gave it, or one made from its first published port. */
import type { PublishedPort } from '#events/app.ts';
import type { AppRow } from '#projections/views/apps.ts';
import type { Lab } from './cli.ts';
import { isResting } from './not-running.ts';

export interface Reach {
  /** What leads to the machine of the apps: a lab of one machine is where its people reach it. */
  readonly host: string;
  /** Nothing of a simulated app listens anywhere: its address is no link. */
  readonly simulated: boolean;
}

/** @param apps nobody is asked when none of them has an address */
export async function reachOf(lab: Lab, apps: readonly AppRow[]): Promise<Reach> {
  const host = new URL(lab.settings.server).hostname;
  if (apps.every((app) => app.url === null && portOf(app) === undefined)) return { host, simulated: false };
  // Who may read the apps and not this learns nothing from it.
  const session = await lab.rest.whoami().catch(() => undefined);
  return { host, simulated: session?.simulated === true };
}

/** A link that can be opened; in a simulated lab the same without what makes it one. */
export function addressOf(app: AppRow, { host, simulated }: Reach): string | null {
  if (simulated) return bareAddress(app);
  if (app.url !== null) return app.url;
  const port = isResting(app) ? undefined : portOf(app);
  return port && app.node ? linkOf(port, hostOf(port) ?? host) : null;
}

function bareAddress(app: AppRow): string | null {
  if (app.url !== null) return app.url.replace(/^https?:\/\//i, '').replace(/\/$/, '');
  const port = portOf(app);
  return port && app.node ? `${app.node.name}:${port.published}` : null;
}

/** What a browser can open comes first. */
function portOf({ services }: AppRow): PublishedPort | undefined {
  const ports = Object.values(services).flatMap((service) => service.ports);
  return ports.find(({ protocol }) => protocol === 'tcp') ?? ports[0];
}

function linkOf({ published, protocol }: PublishedPort, host: string): string {
  if (protocol !== 'tcp') return `${host}:${published}/${protocol}`;
  if (published === 443) return `https://${host}`;
  return published === 80 ? `http://${host}` : `http://${host}:${published}`;
}

/** The one address that it is published on; undefined when that is every one. */
function hostOf({ hostIp }: PublishedPort): string | undefined {
  if (hostIp === undefined || hostIp === '0.0.0.0' || hostIp === '::') return undefined;
  return hostIp.includes(':') ? `[${hostIp}]` : hostIp;
}
