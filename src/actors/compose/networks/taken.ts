/** `networks` of a service: which it is in, and how. */
import type { EndpointSettings } from '#events/values/network-settings.ts';
import { formAt, listAt, optionsAt, type Form } from '../container/lists.ts';
import { keysAt } from '../keys.ts';
import { quoted } from '../locate.ts';
import type { Place, Reading } from '../reading.ts';
import { nearest } from '../suggest.ts';
import { entriesOf, isEmpty, itemsAt, numberAt, optional, stringAt, wrongType, written } from '../values.ts';
import { address, ipv4, ipv6, mac } from './address.ts';

export const takenNetworkKeys = {
  of: 'networks of a service',
  read: ['aliases', 'ipv4_address', 'ipv6_address', 'link_local_ips', 'mac_address', 'driver_opts', 'priority'],
  unread: {
    gw_priority: 'Give the network that leads out the highest `priority`.',
    interface_name: 'Remove it: engines of today do not all take it.',
  },
  extensions: true,
} as const;

/** Of every app: services that name no network are in it. */
export const defaultNetwork = 'default';

export type TakenNetworks = Readonly<Record<string, EndpointSettings>>;

const alias: Form = {
  what: 'a name',
  hint: 'Use letters, digits, "_", "." and "-".',
  fits: (text) => /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(text),
};
const option: Form = {
  what: 'a key',
  hint: 'Write 1 to 128 characters without spaces.',
  fits: (text) => /^[^\s=]{1,128}$/.test(text),
};
const maxPriority = 65_535;

/** @returns in the order in which the container is put into them: by `priority`, then by their keys, as Compose does */
export function takenNetworksAt(
  reading: Reading,
  place: Place,
  declared: ReadonlySet<string>,
): TakenNetworks | undefined {
  if (isEmpty(place)) return undefined;
  const found = new Map<string, { readonly priority: number; readonly endpoint: EndpointSettings }>();
  const known = (name: string, at: Pick<Place, 'path' | 'at'>): boolean => {
    if (name === defaultNetwork || declared.has(name)) return true;
    reading.report(at, `${quoted(name)} is not a network of this file.`, () => {
      const meant = nearest(name, [...declared, defaultNetwork]);
      return meant === undefined ? 'Add it under the top-level `networks:`.' : `Did you mean ${quoted(meant)}?`;
    });
    return false;
  };
  if (place.node.kind === 'list') {
    for (const item of itemsAt(reading, place) ?? []) {
      const name = stringAt(reading, item, 'the name of a network');
      if (name === undefined) continue;
      if (found.has(name)) reading.report(item, `${written(item)} stands here twice.`, 'Remove one of the two.');
      else if (known(name, item)) found.set(name, { priority: 0, endpoint: {} });
    }
  } else if (place.node.kind === 'map') {
    for (const entry of entriesOf(place.path, place.node)) {
      const endpoint = isEmpty(entry) ? { priority: 0, endpoint: {} } : endpointAt(reading, entry);
      if (endpoint && known(entry.key, { path: entry.path, at: entry.keyAt })) found.set(entry.key, endpoint);
    }
  } else {
    wrongType(reading, place, 'a list or a map', 'Write the names of networks, one on each line behind a "-".');
  }
  const sorted = [...found].toSorted(([a, one], [b, other]) => other.priority - one.priority || (a < b ? -1 : 1));
  return found.size === 0 ? undefined : Object.fromEntries(sorted.map(([key, { endpoint }]) => [key, endpoint]));
}

function endpointAt(
  reading: Reading,
  place: Place,
): { readonly priority: number; readonly endpoint: EndpointSettings } | undefined {
  const keys = keysAt(reading, place, takenNetworkKeys);
  if (!keys) return undefined;
  const aliases = optional(keys.get('aliases'), (at) => listAt(reading, at, alias, 'list'));
  const four = optional(keys.get('ipv4_address'), (at) => formAt(reading, at, ipv4));
  const six = optional(keys.get('ipv6_address'), (at) => formAt(reading, at, ipv6));
  const linkLocal = optional(keys.get('link_local_ips'), (at) => listAt(reading, at, address, 'list'));
  const macAddress = optional(keys.get('mac_address'), (at) => formAt(reading, at, mac));
  const options = optional(keys.get('driver_opts'), (at) => optionsAt(reading, at, option));
  return {
    priority: optional(keys.get('priority'), (at) => numberAt(reading, at, 0, maxPriority)) ?? 0,
    endpoint: {
      ...(aliases === undefined ? {} : { aliases }),
      ...(four === undefined ? {} : { ipv4: four }),
      ...(six === undefined ? {} : { ipv6: six }),
      ...(linkLocal === undefined ? {} : { linkLocal }),
      ...(macAddress === undefined ? {} : { mac: macAddress }),
      ...(options === undefined ? {} : { options }),
    },
  };
}
