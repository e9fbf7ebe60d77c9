/**
 * `links`: other services under further names. Compose keeps such a name to the one service that asks for it; here every
 * service of the app finds the other one by it, as by any alias of a network, which is noted.
 */
import { quoted } from './locate.ts';
import { defaultNetwork } from './networks/taken.ts';
import type { Place, Reading } from './reading.ts';
import type { ReadService } from './service.ts';
import { nearest } from './suggest.ts';
import { isEmpty, itemsAt, stringAt, written } from './values.ts';

export interface Link {
  readonly service: string;
  readonly alias?: string;
  readonly place: Pick<Place, 'path' | 'at'>;
}

export function linksAt(reading: Reading, place: Place, self: string, services: ReadonlySet<string>): readonly Link[] {
  if (isEmpty(place)) return [];
  return (itemsAt(reading, place) ?? []).flatMap((item) => linkAt(reading, item, self, services) ?? []);
}

function linkAt(reading: Reading, place: Place, self: string, services: ReadonlySet<string>): Link | undefined {
  const text = stringAt(reading, place, 'the name of a service');
  if (text === undefined) return undefined;
  const [service = '', alias, ...more] = text.split(':');
  if (more.length > 0 || (alias !== undefined && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(alias)))
    return reading.report(
      place,
      `${written(place)} is not a link.`,
      'Write the name of a service, or "service:alias".',
    );
  if (service === self)
    return reading.report(place, 'A service has no link to itself.', 'Give it an alias in its networks.');
  if (!services.has(service))
    return reading.report(place, `${written(place)} does not begin with a service of this app.`, () => {
      const meant = nearest(service, services);
      return meant === undefined ? 'Services of one app reach each other by name.' : `Did you mean ${quoted(meant)}?`;
    });
  if (alias === undefined || alias === service) return { service, place };
  reading.note(
    place,
    'All services of the app reach it by this name, not this one alone.',
    'Write it as an alias in the networks of that service.',
  );
  return { service, alias, place };
}

/** The services with the names that links give them. */
export function withAliases(services: readonly ReadService[]): readonly ReadService[] {
  const links = services.flatMap((service) => service.links);
  return services.map((service) => {
    const aliases = links.flatMap((link) => (link.service === service.name ? (link.alias ?? []) : []));
    // In the network of its node nobody has names.
    if (aliases.length === 0 || service.bundle.settings?.network !== undefined) return service;
    const { networks = { [defaultNetwork]: {} } } = service.bundle;
    const named = Object.entries(networks).map(([key, endpoint]) => {
      const all = new Set([...(endpoint.aliases ?? []), ...aliases]);
      return [key, { ...endpoint, aliases: [...all] }] as const;
    });
    return { ...service, bundle: { ...service.bundle, networks: Object.fromEntries(named) } };
  });
}
