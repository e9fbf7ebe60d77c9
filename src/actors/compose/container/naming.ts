/** By which names a container is known, and by which it knows others. */
import { address, isAddress } from '../networks/address.ts';
import type { Place, Reading } from '../reading.ts';
import { stringAt, written } from '../values.ts';
import { formAt, listAt, pairsAt, type Form } from './lists.ts';

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const isHostName = (text: string): boolean =>
  text.length <= 253 && new RegExp(`^${label}(?:\\.${label})*\\.?$`, 'i').test(text);

const hostName: Form = {
  what: 'a name of a host',
  hint: 'Write letters, digits and "-", parts divided by dots.',
  fits: isHostName,
};

const searchDomain: Form = { ...hostName, what: 'a domain', fits: (text) => text === '.' || isHostName(text) };
const dnsOption: Form = {
  what: 'an option of the resolver',
  hint: 'Write for example ndots:2.',
  fits: (text) => /^[a-z0-9-]{1,40}(?::\d{1,5})?$/.test(text),
};

export const hostNameAt = (reading: Reading, place: Place): string | undefined => formAt(reading, place, hostName);
export const dnsAt = (reading: Reading, place: Place): readonly string[] =>
  listAt(reading, place, address, 'one or list');
export const dnsOptionsAt = (reading: Reading, place: Place): readonly string[] =>
  listAt(reading, place, dnsOption, 'list');
export const dnsSearchAt = (reading: Reading, place: Place): readonly string[] =>
  listAt(reading, place, searchDomain, 'one or list');

/** `nas:192.168.1.5`, `nas=fd00::5`, or a map; `host-gateway` is the node. @returns `name:address` */
export function extraHostsAt(reading: Reading, place: Place): readonly string[] {
  const hosts: string[] = [];
  // In a list the first of either divides: an address may have colons, a name has none.
  for (const { key, value, at, shown } of pairsAt(reading, place, /[=:]/)) {
    const plain = value.trim().replace(/^\[(.*)\]$/, '$1');
    if (isHostName(key) && (plain === 'host-gateway' || isAddress(plain))) hosts.push(`${key}:${plain}`);
    else
      reading.report(
        at,
        `${shown} is not a host and its address.`,
        'Write for example "nas:192.168.1.5" or "node:host-gateway".',
      );
  }
  return hosts;
}

/**
 * A container of FloatLab has a name of its own, so that two revisions and two nodes are never in each other's way. What
 * `container_name` is mostly wanted for stays: others in the network of the app find it by that name.
 */
export function containerNameAt(reading: Reading, place: Place): string | undefined {
  const text = stringAt(reading, place, 'a name');
  if (text === undefined) return undefined;
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/.test(text))
    return reading.report(
      place,
      `${written(place)} cannot be the name of a container.`,
      'Use letters, digits, "_", "." and "-".',
    );
  reading.note(
    place,
    'The container gets a name of the lab; the other services of the app reach it by this one, too.',
    'Look for it with floatlab ps.',
  );
  return text;
}

/** `8080`, `8080/udp`, `3000-3005`: told of, and published nowhere. */
const exposed: Form = {
  allowsNumbers: true,
  what: 'a port',
  hint: 'Write for example "8080" or "8080/udp".',
  fits: (text) => {
    const found = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(?:tcp|udp|sctp))?$/.exec(text);
    const from = Number(found?.[1]);
    const to = Number(found?.[2] ?? found?.[1]);
    return found !== null && from >= 1 && to <= 65_535 && from <= to && to - from < 1000;
  },
};

/** Each port by itself, with its protocol. */
export function exposeAt(reading: Reading, place: Place): readonly string[] {
  const all = listAt(reading, place, exposed, 'list').flatMap((text) => {
    const [range = '', protocol = 'tcp'] = text.split('/');
    const [from = 0, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, n) => `${from + n}/${protocol}`);
  });
  return [...new Set(all)];
}
