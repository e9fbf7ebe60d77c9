/**
 * `ports`: what a service publishes on its node. Every form of compose that names the port of the node; a port that
 * Docker would pick at random is refused, because nobody could find the app again after it moved.
 */
import type { PublishedPort } from '#events/app.ts';
import * as z from 'zod';
import { keysAt } from './keys.ts';
import { clash, portKey } from './port-clash.ts';
import type { Place, Reading } from './reading.ts';
import { isEmpty, itemsAt, numberAt, stringAt, textAt, written } from './values.ts';

/** As many as a service of the specification may have. */
const maxPorts = 1000;

export interface PlacedPort {
  readonly port: PublishedPort;
  readonly place: Place;
}

export function portsAt(reading: Reading, place: Place): readonly PlacedPort[] {
  if (isEmpty(place)) return [];
  const ports: PlacedPort[] = [];
  for (const item of itemsAt(reading, place, 'a list such as ["8080:80"]') ?? []) {
    const found = item.node.kind === 'map' ? longForm(reading, item) : shortForm(reading, item);
    for (const port of found ?? []) ports.push({ port, place: item });
    if (ports.length > maxPorts) {
      reading.report(place, `A service publishes at most ${maxPorts} ports.`, 'Publish the ones that people reach.');
      return [];
    }
  }
  return ports;
}

/** `[host:]published:target[/protocol]`, where both ports may be ranges. */
export const shortRule = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):)?(\d+(?:-\d+)?):(\d+(?:-\d+)?)(?:\/([a-zA-Z]+))?$/;
/** The same without `published`. */
const targetOnly = /^(?:(?:\[[0-9a-fA-F:.]+\]|\d+\.[0-9.]+)?:{1,2})?\d+(?:-\d+)?(?:\/[a-zA-Z]+)?$/;

function shortForm(reading: Reading, place: Place): readonly PublishedPort[] | undefined {
  const text = textAt(reading, place, 'a port such as "8080:80"');
  if (text === undefined) return undefined;
  if (targetOnly.test(text)) {
    return reading.report(
      place,
      `${written(place)} does not say which port of the node: Docker would pick one.`,
      'Write the port of the node in front: "8080:80".',
    );
  }
  const match = shortRule.exec(text);
  if (!match) {
    return reading.report(
      place,
      `${written(place)} is not a port.`,
      'Write "8080:80", "127.0.0.1:8080:80" or "8080:80/udp".',
    );
  }
  const hostIp = hostAt(reading, place, match[1] ?? match[2]);
  const protocol = protocolAt(reading, place, match[5] ?? 'tcp');
  const published = rangeOf(reading, place, match[3] ?? '');
  const targets = rangeOf(reading, place, match[4] ?? '');
  if (hostIp === undefined || !protocol || !published || !targets) return undefined;
  const count = published.to - published.from + 1;
  if (count !== targets.to - targets.from + 1) {
    return reading.report(
      place,
      `The two ranges of ${written(place)} differ in length.`,
      'Write for example "8000-8005:8000-8005".',
    );
  }
  return Array.from({ length: Math.min(count, maxPorts + 1) }, (_, n) => ({
    ...hostIp,
    published: published.from + n,
    target: targets.from + n,
    protocol,
  }));
}

function rangeOf(reading: Reading, place: Place, text: string): { from: number; to: number } | undefined {
  const [first = '', last = first] = text.split('-');
  const from = Number(first);
  const to = Number(last);
  if (from < 1 || to > 65_535) return reading.report(place, `${written(place)} names a port outside 1 to 65535.`);
  if (from > to)
    return reading.report(place, `The range of ${written(place)} runs backwards.`, 'Write the smaller port first.');
  return { from, to };
}

const address = z.union([z.ipv4(), z.ipv6()]);

function hostAt(reading: Reading, place: Place, text: string | undefined): { hostIp?: string } | undefined {
  if (text === undefined) return {};
  if (address.safeParse(text).success) return { hostIp: text };
  return reading.report(
    place,
    `${written(place)} does not name an address of the node.`,
    'Write an IPv4 address, or an IPv6 address in brackets: "[::1]:8080:80".',
  );
}

function protocolAt(reading: Reading, place: Place, text: string): PublishedPort['protocol'] | undefined {
  const protocol = text.toLowerCase();
  if (protocol === 'tcp' || protocol === 'udp') return protocol;
  return reading.report(place, `${written(place)} does not name a protocol that can be published.`, 'Use tcp or udp.');
}

export const portKeys = {
  of: 'a port',
  read: ['target', 'published', 'host_ip', 'protocol', 'mode', 'name', 'app_protocol'],
  extensions: true,
} as const;

function longForm(reading: Reading, place: Place): readonly PublishedPort[] | undefined {
  const keys = keysAt(reading, place, portKeys);
  if (!keys) return undefined;
  for (const key of ['name', 'app_protocol'] as const) {
    const at = keys.get(key);
    if (at && stringAt(reading, at) !== undefined)
      reading.note(
        at,
        `\`${key}\` of a port changes nothing: Docker has no use for it.`,
        'Remove it, or leave it to other tools.',
      );
  }
  const targetAt = keys.get('target');
  if (!targetAt)
    return reading.report(place, 'This port has no `target`.', 'Write the port inside the container: target: 80.');
  const target = numberAt(reading, targetAt, 1, 65_535);
  const publishedAt = keys.get('published');
  if (!publishedAt) {
    return reading.report(
      place,
      'This port has no `published`: Docker would pick a port of the node.',
      'Add for example published: 8080.',
    );
  }
  const published = numberAt(reading, publishedAt, 1, 65_535);
  const hostText = textOf(reading, keys.get('host_ip'));
  const hostIp = hostAt(reading, keys.get('host_ip') ?? place, hostText);
  const protocol = protocolAt(reading, keys.get('protocol') ?? place, textOf(reading, keys.get('protocol')) ?? 'tcp');
  const modeAt = keys.get('mode');
  const mode = textOf(reading, modeAt);
  // Both mean the same here: the node that runs the app publishes the port.
  if (modeAt && mode !== undefined && mode !== 'ingress' && mode !== 'host') {
    return reading.report(
      modeAt,
      `${written(modeAt)} is not a mode of a port.`,
      'Write host or ingress, or leave it out.',
    );
  }
  if (target === undefined || published === undefined || hostIp === undefined || !protocol) return undefined;
  return [{ ...hostIp, published, target, protocol }];
}

const textOf = (reading: Reading, place: Place | undefined): string | undefined => place && textAt(reading, place);

/** Reports ports of the node that two services want. */
export function checkPortClashes(reading: Reading, all: readonly PlacedPort[]): void {
  const taken = new Map<string, PlacedPort[]>();
  for (const placed of all) {
    const { port, place } = placed;
    const key = portKey(port);
    const others = taken.get(key) ?? [];
    const other = others.find((one) => clash(one.port, port));
    if (other) {
      const where = other.place.path === place.path ? 'this entry' : other.place.path;
      reading.report(
        place,
        `Port ${key} of the node is already published by ${where}.`,
        'Choose another port of the node.',
      );
    } else if (others.length < 100) {
      taken.set(key, [...others, placed]);
    }
  }
}
