/** How much a container may take: processors, memory, processes, files. */
import type { ContainerSettings } from '#events/values/container-settings.ts';
import { formatSize, parseSize } from '#events/values/size.ts';
import { keysAt } from '../keys.ts';
import type { Place, Reading } from '../reading.ts';
import { nearest } from '../suggest.ts';
import { entriesAt, numberAt, stringAt, textAt, written } from '../values.ts';

/** The engine gives nobody less. */
const minMemoryBytes = 6 * 2 ** 20;

/** @param unlimited whether -1 may be said */
export function bytesAt(
  reading: Reading,
  place: Place,
  { minBytes, unlimited = false }: { readonly minBytes: number; readonly unlimited?: boolean },
): number | undefined {
  const text = textAt(reading, place, 'a size');
  if (text === undefined) return undefined;
  if (unlimited && text === '-1') return -1;
  const bytes = parseSize(text);
  if (bytes === undefined)
    return reading.report(place, `${written(place)} is not a size.`, 'Write a number with its unit: 512m, 2g.');
  if (bytes >= minBytes) return bytes;
  return reading.report(place, `${written(place)} is too small.`, `Write ${formatSize(minBytes)} or more.`);
}

export const memoryAt = (reading: Reading, place: Place): number | undefined =>
  bytesAt(reading, place, { minBytes: minMemoryBytes });
export const swapAt = (reading: Reading, place: Place): number | undefined =>
  bytesAt(reading, place, { minBytes: minMemoryBytes, unlimited: true });

/** `0.5`, `2`: parts of a processor. */
export function cpusAt(reading: Reading, place: Place): number | undefined {
  const text = textAt(reading, place, 'a number of processors');
  if (text === undefined) return undefined;
  const cpus = Number(text);
  if (/^\d{1,4}(?:\.\d{1,9})?$/.test(text) && (cpus === 0 || cpus >= 0.01)) return cpus;
  return reading.report(place, `${written(place)} is not a number of processors.`, 'Write for example 0.5 or 2.');
}

/** `0-3,5` */
export function cpusetAt(reading: Reading, place: Place): string | undefined {
  const text = stringAt(reading, place, 'numbers of processors');
  if (text === undefined) return undefined;
  if (/^\d{1,4}(?:-\d{1,4})?(?:,\d{1,4}(?:-\d{1,4})?)*$/.test(text)) return text;
  return reading.report(place, `${written(place)} does not name processors.`, 'Write for example "0-3" or "0,2".');
}

/** A duration in microseconds, as the kernel counts, or a bare number of them. */
export function microsecondsAt(reading: Reading, place: Place, min: number, max: number): number | undefined {
  const text = textAt(reading, place, 'microseconds');
  if (text === undefined) return undefined;
  const found = /^(\d{1,12})(us|ms|s)?$/.exec(text);
  const us = Number(found?.[1]) * { us: 1, ms: 1000, s: 1e6 }[(found?.[2] ?? 'us') as 'us' | 'ms' | 's'];
  if (us >= min && us <= max) return us;
  return reading.report(
    place,
    `${written(place)} is not a time that the scheduler of Linux takes here.`,
    `Write microseconds from ${min} to ${max}.`,
  );
}

/** -1, or a whole number. */
export function countAt(reading: Reading, place: Place, min: number, max: number): number | undefined {
  const { node } = place;
  if (node.kind === 'scalar' && node.text === '-1') return -1;
  return numberAt(reading, place, min, max);
}

/** A whole number that may be less than zero. */
export function signedAt(reading: Reading, place: Place, min: number, max: number): number | undefined {
  const text = textAt(reading, place, 'a whole number');
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^-?\d{1,9}$/.test(text) && value >= min && value <= max) return value;
  return reading.report(place, `${written(place)} is not a whole number from ${min} to ${max}.`);
}

/** `getrlimit(2)` */
const limits =
  'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' ');
const ulimitKeys = { of: 'a ulimit', read: ['soft', 'hard'] } as const;
const maxLimit = Number.MAX_SAFE_INTEGER;

export function ulimitsAt(reading: Reading, place: Place): NonNullable<ContainerSettings['ulimits']> {
  const found: [string, { readonly soft: number; readonly hard: number }][] = [];
  for (const entry of entriesAt(reading, place, 'a map of limits') ?? []) {
    if (!limits.includes(entry.key)) {
      const meant = nearest(entry.key, limits);
      const hint = meant === undefined ? `Use one of: ${limits.join(', ')}.` : `Did you mean ${meant}?`;
      reading.report({ path: entry.path, at: entry.keyAt }, 'Linux has no such limit.', hint);
      continue;
    }
    if (entry.node.kind !== 'map') {
      const both = countAt(reading, entry, 0, maxLimit);
      if (both !== undefined) found.push([entry.key, { soft: both, hard: both }]);
      continue;
    }
    const keys = keysAt(reading, entry, ulimitKeys);
    const [softAt, hardAt] = [keys?.get('soft'), keys?.get('hard')];
    if (!softAt || !hardAt) {
      reading.report(entry, 'A ulimit has a soft and a hard limit.', 'Write {soft: 1024, hard: 4096}, or one number.');
      continue;
    }
    const [soft, hard] = [countAt(reading, softAt, 0, maxLimit), countAt(reading, hardAt, 0, maxLimit)];
    if (soft === undefined || hard === undefined) continue;
    if (hard !== -1 && (soft === -1 || soft > hard))
      reading.report(softAt, 'The soft limit is above the hard one.', 'Lower it, or raise the hard one.');
    else found.push([entry.key, { soft, hard }]);
  }
  return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** `net.ipv4.ip_forward`; whether a container may have it, the engine says. */
export const sysctl = {
  what: 'the name of a kernel parameter',
  hint: 'Write for example net.core.somaxconn=1024.',
  fits: (text: string): boolean => /^[a-z][\w-]*(?:[./][\w*-]+)+$/i.test(text) && text.length <= 200,
};
