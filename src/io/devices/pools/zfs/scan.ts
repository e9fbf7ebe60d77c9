/**
 * The `scan:` part of `zpool status`, in the words of all versions. Pure.
 *
 * The first line says what and in which state, the others how far it is:
 *
 *     scrub in progress since Sun Jun  7 12:43:45 2026
 *     4.75T / 12.8T scanned at 327M/s, 3.06T / 12.8T issued at 211M/s
 *     0B repaired, 23.87% done, 13:28:54 to go
 */
import type { Scan, ScanProgress } from '../report.ts';
import { parseDate, parseDuration, parseNumber } from './units.ts';

/** @returns the scan, `none` when there never was one, undefined when the text cannot be read */
export function parseScan(lines: readonly string[]): Scan | 'none' | undefined {
  const [first = '', ...more] = lines;
  if (first === 'none requested') return 'none';
  for (const { pattern, read } of sentences) {
    const said = pattern.exec(first)?.groups;
    if (!said) continue;
    const scan = read(said);
    const isComplete = scan !== undefined && Object.values(scan).every((value) => value !== undefined);
    return isComplete ? withProgress(scan, more) : undefined;
  }
  return undefined;
}

type Said = Readonly<Record<string, string>>;
type Partly = { [K in keyof Scan]: Scan[K] | undefined };

const kindOf = (what: string): Scan['kind'] =>
  what.startsWith('resilver') ? 'resilver' : what.startsWith('error') ? 'error-scrub' : 'scrub';
const group = (said: Said) => (said['of'] === undefined ? {} : { of: said['of'] });

const sentences: readonly { readonly pattern: RegExp; readonly read: (said: Said) => Partly | undefined }[] = [
  {
    pattern:
      /^(?<what>(?:thorough )?scrub repaired|resilvered)(?: \((?<of>.+?)\))? (?<bytes>\S+) in (?<for>.+) with (?<errors>\d+) errors on (?<at>.+)$/,
    read: (said) => ({
      kind: kindOf(said['what'] ?? ''),
      state: 'finished',
      ...group(said),
      repairedBytes: parseNumber(said['bytes'] ?? ''),
      ...finished(said),
    }),
  },
  {
    pattern: /^(?<what>scrub|resilver) completed after (?<for>\S+) with (?<errors>\d+) errors on (?<at>.+)$/,
    read: (said) => ({ kind: kindOf(said['what'] ?? ''), state: 'finished', ...finished(said) }),
  },
  {
    pattern: /^(?<what>scrub|resilver) stopped after (?<for>\S+) with (?<errors>\d+) errors on (?<at>.+)$/,
    read: (said) => ({ kind: kindOf(said['what'] ?? ''), state: 'canceled', ...finished(said) }),
  },
  {
    pattern: /^(?<what>(?:thorough |error )?scrub|resilver)(?: \((?<of>.+?)\))? canceled on (?<at>.+)$/,
    read: (said) => ({
      kind: kindOf(said['what'] ?? ''),
      state: 'canceled',
      ...group(said),
      endedAt: parseDate(said['at'] ?? ''),
    }),
  },
  {
    pattern: /^(?<what>(?:thorough |error )?scrub|resilver)(?: \((?<of>.+?)\))? in progress since (?<at>.+)$/,
    read: (said) => ({
      kind: kindOf(said['what'] ?? ''),
      state: 'running',
      ...group(said),
      startedAt: parseDate(said['at'] ?? ''),
    }),
  },
  {
    pattern: /^(?<what>(?:thorough |error )?scrub) paused since (?<at>.+)$/,
    read: (said) => ({ kind: kindOf(said['what'] ?? ''), state: 'paused', endedAt: parseDate(said['at'] ?? '') }),
  },
  {
    // Version 23 and before: everything in one line, and not when it began.
    pattern: /^(?<what>scrub|resilver) in progress for (?<for>\S+), (?<done>[\d.]+)% done, (?<left>\S+) to go$/,
    read: (said) => ({
      kind: kindOf(said['what'] ?? ''),
      state: 'running',
      durationMs: parseDuration(said['for'] ?? ''),
      progress: { done: share(said['done'] ?? ''), ...left(said['left'] ?? '') },
    }),
  },
  {
    pattern: /^scrubbed (?<blocks>\d+) error blocks in (?<for>(?:\d+ days )?[\d:]+) on (?<at>.+)$/,
    read: (said) => ({
      kind: 'error-scrub',
      state: 'finished',
      durationMs: parseDuration(said['for'] ?? ''),
      endedAt: parseDate(said['at'] ?? ''),
    }),
  },
];

const finished = (said: Said) => ({
  durationMs: parseDuration(said['for'] ?? ''),
  errors: Number(said['errors']),
  endedAt: parseDate(said['at'] ?? ''),
});

/** What the other lines add; a line that nobody knows adds nothing, because the first one has said what matters. */
function withProgress(scan: Partly, lines: readonly string[]): Scan | undefined {
  let progress: ScanProgress = scan.progress ?? {};
  let whole: Partly = scan;
  for (const line of lines) {
    const started = /^(?:thorough |error )?scrub started on (.+)$/.exec(line);
    if (started) {
      const startedAt = parseDate(started[1] ?? '');
      if (startedAt === undefined) return undefined;
      whole = { ...whole, startedAt };
      continue;
    }
    progress = { ...progress, ...bytes(line), ...percent(line) };
    const repaired = /^(\S+) (?:repaired|resilvered),/.exec(line)?.[1];
    const repairedBytes = repaired === undefined ? undefined : parseNumber(repaired);
    if (repairedBytes !== undefined) whole = { ...whole, repairedBytes };
  }
  // Every field that is there has a value: parseScan has looked.
  return (Object.keys(progress).length === 0 ? whole : { ...whole, progress }) as Scan;
}

function bytes(line: string): ScanProgress {
  const slashed = /^(\S+) \/ (\S+) scanned(?: at \S+)?, (\S+) \/ (\S+) issued(?: at \S+)?$/.exec(line);
  if (slashed) return sizes(slashed[1], slashed[3], slashed[4]);
  const listed = /^(\S+) scanned(?: at \S+)?, (\S+) issued(?: at \S+)?, (\S+) total$/.exec(line);
  if (listed) return sizes(listed[1], listed[2], listed[3]);
  const old = /^(\S+) scanned out of (\S+) at \S+?(?:, (\S+) to go|, \(scan is slow, no estimated time\))?$/.exec(line);
  return old ? { ...sizes(old[1], undefined, old[2]), ...left(old[3]) } : {};
}

function sizes(scanned?: string, issued?: string, total?: string): ScanProgress {
  const [scannedBytes, issuedBytes, totalBytes] = [scanned, issued, total].map((text) => parseNumber(text ?? ''));
  return {
    ...(scannedBytes === undefined ? {} : { scannedBytes }),
    ...(issuedBytes === undefined ? {} : { issuedBytes }),
    ...(totalBytes === undefined ? {} : { totalBytes }),
  };
}

function percent(line: string): ScanProgress {
  const match = /(?:^|, )([\d.]+)% done(?:, (.+) to go)?/.exec(line);
  return match ? { done: share(match[1] ?? ''), ...left(match[2]) } : {};
}

/** Beyond 100 when more was written since it began. */
const share = (text: string): number => Math.min(1, Number((Number(text) / 100).toFixed(6)));

function left(text: string | undefined): ScanProgress {
  const leftMs = parseDuration(text ?? '');
  return leftMs === undefined ? {} : { leftMs };
}
