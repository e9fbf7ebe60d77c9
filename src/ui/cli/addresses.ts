/** What the addresses of apps depend on, as the command line knows it. */
import type { AppRow } from '#projections/views/apps.ts';
import { addressOf, type Reach } from '#ui/client/address.ts';
import type { Lab } from './cli.ts';

/** @param apps nobody is asked when none of them has an address */
export async function reachOf(lab: Lab, apps: readonly AppRow[]): Promise<Reach> {
  const real: Reach = { host: new URL(lab.settings.server).hostname, simulated: false };
  if (apps.every((app) => addressOf(app, real) === null)) return real;
  // Who may read the apps and not this learns nothing from it.
  const session = await lab.rest.whoami().catch(() => undefined);
  return { ...real, simulated: session?.simulated === true };
}
