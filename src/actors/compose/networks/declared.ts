/** The top-level `networks`: those of the app, and those that somebody else has made. */
import type { NetworkSettings, Subnet } from '#events/values/network-settings.ts';
import { formAt, optionsAt, type Form } from '../container/lists.ts';
import { keysAt } from '../keys.ts';
import { quoted } from '../locate.ts';
import { labelsAt } from '../labels.ts';
import type { Place, Reading } from '../reading.ts';
import { booleanAt, entriesAt, isEmpty, itemsAt, optional, stringAt, written, type KeyedPlace } from '../values.ts';
import { address, subnet } from './address.ts';

export type DeclaredNetworks = ReadonlyMap<string, NetworkSettings>;

export const networkKeys = {
  of: 'networks',
  read: ['name', 'external', 'driver', 'driver_opts', 'internal', 'enable_ipv6', 'labels', 'ipam', 'attachable'],
  mayBeEmpty: [],
  unread: { enable_ipv4: 'Remove it: every network of Docker has IPv4.' },
  extensions: true,
} as const;
export const ipamKeys = {
  of: 'ipam',
  read: ['driver', 'config'],
  mayBeEmpty: [],
  unread: { options: 'Remove them: the driver that comes with Docker has none.' },
  extensions: true,
} as const;
export const subnetKeys = {
  of: 'ipam.config',
  read: ['subnet', 'ip_range', 'gateway', 'aux_addresses'],
  mayBeEmpty: [],
  extensions: true,
} as const;

const maxNetworks = 50;
const drivers = ['bridge', 'ipvlan', 'macvlan'] as const;
const anyKey: Form = {
  what: 'a key',
  hint: 'Write 1 to 128 characters without spaces.',
  fits: (text) => /^[^\s=]{1,128}$/.test(text),
};

/** @returns what the file says about each, by its key; one that was reported is there, too, so that nobody misses it */
export function networksAt(reading: Reading, place: Place): DeclaredNetworks {
  if (isEmpty(place)) return new Map();
  const entries = entriesAt(reading, place, 'a map of networks') ?? [];
  if (entries.length > maxNetworks) reading.report(place, `An app has at most ${maxNetworks} networks.`);
  return new Map(entries.slice(0, maxNetworks).map((entry) => [entry.key, networkAt(reading, entry)]));
}

function networkAt(reading: Reading, entry: KeyedPlace): NetworkSettings {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/.test(entry.key))
    reading.report(
      { path: entry.path, at: entry.keyAt },
      `${quoted(entry.key)} cannot be the name of a network.`,
      'Use letters, digits, "_", "." and "-", at most 63.',
    );
  const keys = isEmpty(entry) ? undefined : keysAt(reading, entry, networkKeys);
  if (!keys) return {};
  const external = optional(keys.get('external'), (at) => booleanAt(reading, at)) ?? false;
  const name = optional(keys.get('name'), (at) => nameAt(reading, at));
  if (external) {
    for (const [key, at] of keys)
      if (key !== 'name' && key !== 'external')
        reading.report(
          { path: at.path, at: at.keyAt },
          `\`${key}\` says how a network is made, and this one is made by somebody else (external).`,
          'Remove one of the two.',
        );
    return { external, ...(name === undefined ? {} : { name }) };
  }
  const attachable = keys.get('attachable');
  if (attachable && booleanAt(reading, attachable) !== undefined)
    reading.note(attachable, '`attachable` is for a swarm: it changes nothing.', 'Remove it.');
  const driver = optional(keys.get('driver'), (at) => driverAt(reading, at));
  const options = optional(keys.get('driver_opts'), (at) => optionsAt(reading, at, anyKey));
  const internal = optional(keys.get('internal'), (at) => booleanAt(reading, at));
  const v6 = optional(keys.get('enable_ipv6'), (at) => booleanAt(reading, at));
  const labels = optional(keys.get('labels'), (at) => labelsAt(reading, at));
  const subnets = optional(keys.get('ipam'), (at) => ipamAt(reading, at));
  return {
    ...(name === undefined ? {} : { name }),
    ...(driver === undefined ? {} : { driver }),
    ...(options === undefined ? {} : { options }),
    ...(internal === undefined ? {} : { internal }),
    ...(v6 === undefined ? {} : { ipv6: v6 }),
    ...(labels === undefined ? {} : { labels }),
    ...(subnets === undefined ? {} : { subnets }),
  };
}

function nameAt(reading: Reading, place: Place): string | undefined {
  const name = stringAt(reading, place, 'the name of a network');
  if (name === undefined) return undefined;
  // What every engine has under these names is none that an app may be in by a name.
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(name) && !['host', 'none'].includes(name)) return name;
  return reading.report(
    place,
    `${written(place)} cannot be the name of a network.`,
    'Use letters, digits, "_", "." and "-"; for the network of the node write network_mode: host.',
  );
}

function driverAt(reading: Reading, place: Place): NetworkSettings['driver'] {
  const text = stringAt(reading, place, 'the name of a driver');
  const driver = drivers.find((one) => one === text);
  if (text === undefined || driver !== undefined) return driver;
  const hint =
    text === 'overlay'
      ? 'Leave it out: an app runs on one node.'
      : `Choose one of: ${drivers.join(', ')}. Leave it out for a bridge.`;
  return reading.report(place, `FloatLab makes no networks with the driver ${written(place)}.`, hint);
}

function ipamAt(reading: Reading, place: Place): readonly Subnet[] | undefined {
  const keys = keysAt(reading, place, ipamKeys);
  const driver = keys?.get('driver');
  const text = driver && stringAt(reading, driver, 'the name of a driver');
  if (driver && text !== undefined && text !== 'default')
    reading.report(driver, `${written(driver)} is not the driver that comes with Docker.`, 'Leave it out.');
  const config = keys?.get('config');
  if (!config || isEmpty(config)) return undefined;
  return (itemsAt(reading, config, 'a list of subnets') ?? []).flatMap((item) => subnetAt(reading, item) ?? []);
}

function subnetAt(reading: Reading, place: Place): Subnet | undefined {
  const keys = keysAt(reading, place, subnetKeys);
  const at = keys?.get('subnet');
  if (!keys) return undefined;
  if (!at) return reading.report(place, 'This has no `subnet`.', 'Write for example subnet: 172.28.0.0/16.');
  const of = formAt(reading, at, subnet);
  const range = optional(keys.get('ip_range'), (one) => formAt(reading, one, subnet));
  const gateway = optional(keys.get('gateway'), (one) => formAt(reading, one, address));
  const reserved = optional(keys.get('aux_addresses'), (one) => addressesAt(reading, one));
  return of === undefined
    ? undefined
    : {
        subnet: of,
        ...(range === undefined ? {} : { range }),
        ...(gateway === undefined ? {} : { gateway }),
        ...(reserved === undefined ? {} : { reserved }),
      };
}

const addressesAt = (reading: Reading, place: Place): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (entriesAt(reading, place, 'a map of names and addresses') ?? []).flatMap((entry) => {
      const value = formAt(reading, entry, address);
      return value === undefined ? [] : [[entry.key, value] as const];
    }),
  );
