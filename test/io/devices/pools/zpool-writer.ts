/**
 * Writes `zpool status -p` from a report, in the words of four generations of the tool, and draws such reports: what the
 * parser reads must be what was written. It follows the rules of the tool (alignment, rounding, which line is there
 * when) and shares nothing with the parser.
 */
import fc from 'fast-check';
import type { DeviceRole, DeviceState, PoolDevice, PoolReport, Scan } from '#io/devices/pools/report.ts';

/** zfs-fuse; 0.6; 2.0 and 2.1; 2.2 and later. */
export type Words = 'fuse' | '0.6' | '2.0' | '2.2';

export function writeZpoolStatus(reports: readonly PoolReport[], words: Words): string {
  return reports.map((report) => writePool(report, words)).join('\n');
}

function writePool(report: PoolReport, words: Words): string {
  const lines = [`  pool: ${report.name}`, ` state: ${stateNames[report.state]}`];
  if (report.status !== undefined) lines.push(...folded('status', report.status));
  if (report.action !== undefined) lines.push(...folded('action', report.action));
  if (report.see !== undefined) lines.push(`   see: ${report.see}`);
  const key = words === 'fuse' ? ' scrub: ' : '  scan: ';
  if (report.scans.length === 0 && words !== '2.2') lines.push(`${key}none requested`);
  for (const scan of report.scans) {
    const [first, ...more] = scanLines(scan, words);
    lines.push(key + first, ...more.map((line) => (words === '0.6' ? `    ${line}` : `\t${line}`)));
  }
  for (const [name, text] of Object.entries(report.remarks)) lines.push(`${name}: ${text}`);
  const rows = [...rowsOf(report.root)];
  const width = Math.max(10, ...rows.map(([level, { name }]) => 2 * level + name.length));
  lines.push('config:', '', `\t${'NAME'.padEnd(width)}  STATE     READ WRITE CKSUM`);
  let role: DeviceRole = 'data';
  for (const [level, device] of rows) {
    if (device.role !== role) lines.push(`\t${headings[device.role]}`);
    role = device.role;
    lines.push(writeRow(level, device, width));
  }
  lines.push('', ...writeErrors(report), '');
  return lines.join('\n');
}

function* rowsOf(device: PoolDevice, level = 0): Generator<readonly [number, PoolDevice]> {
  yield [level, device];
  for (const member of device.members) yield* rowsOf(member, level + 1);
}

function writeRow(level: number, { name, state, errors, note }: PoolDevice, width: number): string {
  const head = `\t${(' '.repeat(2 * level) + name).padEnd(width)}  ${stateNames[state].padEnd(8)}`;
  const { reads, writes, checksums } = errors ?? {};
  const counted = errors ? [reads, writes, checksums].map((n) => ` ${String(n).padStart(5)}`).join('') : '';
  return head + counted + (note === undefined ? '' : `  ${note}`);
}

function writeErrors({ dataErrors: { count, files } }: PoolReport): readonly string[] {
  if (count === undefined) return ['errors: List of errors unavailable: pool I/O is currently suspended'];
  if (count === 0) return ['errors: No known data errors'];
  if (files.length === 0) return [`errors: ${count} data errors, use '-v' for a list`];
  return [
    'errors: Permanent errors have been detected in the following files:',
    '',
    ...files.map((file) => `        ${file}`),
  ];
}

/** As the tool does it: lines of at most 80 columns, with a tab before what goes on. */
function folded(key: string, text: string): readonly string[] {
  const lines: string[] = [`${key}:`];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line.length + word.length > 72) lines.push(`\t${word}`);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

const stateNames: Readonly<Record<DeviceState, string>> = {
  online: 'ONLINE',
  degraded: 'DEGRADED',
  faulted: 'FAULTED',
  offline: 'OFFLINE',
  removed: 'REMOVED',
  unavailable: 'UNAVAIL',
  suspended: 'SUSPENDED',
  available: 'AVAIL',
  'in-use': 'INUSE',
};
const headings: Readonly<Record<DeviceRole, string>> = {
  data: '',
  dedup: 'dedup\t',
  special: 'special\t',
  log: 'logs\t',
  cache: 'cache',
  spare: 'spares',
};

function scanLines(scan: Scan, words: Words): readonly string[] {
  const verb = scan.kind === 'error-scrub' ? 'error scrub' : scan.kind;
  const what = verb + (scan.of === undefined ? '' : ` (${scan.of})`);
  const repaired = nice(scan.repairedBytes ?? 0);
  switch (scan.state) {
    case 'finished':
      if (words === 'fuse')
        return [
          `${verb} completed after ${hours(scan.durationMs)} with ${scan.errors} errors on ${ctime(scan.endedAt)}`,
        ];
      return [
        `${scan.kind === 'scrub' ? 'scrub repaired' : 'resilvered'}${scan.of === undefined ? '' : ` (${scan.of})`} ${repaired} in ` +
          `${words === '0.6' ? hours(scan.durationMs) : clock(scan.durationMs)} with ${scan.errors} errors on ${ctime(scan.endedAt)}`,
      ];
    case 'canceled':
      if (words === 'fuse')
        return [`${verb} stopped after ${hours(scan.durationMs)} with ${scan.errors} errors on ${ctime(scan.endedAt)}`];
      return [`${what} canceled on ${ctime(scan.endedAt)}`];
    case 'paused':
      return [
        `${what} paused since ${ctime(scan.endedAt)}`,
        `${verb} started on ${ctime(scan.startedAt)}`,
        ...progress(scan, words),
      ];
    case 'running':
      if (words === 'fuse')
        return [
          `${verb} in progress for ${hours(scan.durationMs)}, ${percent(scan)}% done, ${hours(scan.progress?.leftMs)} to go`,
        ];
      return [`${what} in progress since ${ctime(scan.startedAt)}`, ...progress(scan, words)];
  }
}

function progress(scan: Scan, words: Words): readonly string[] {
  const { scannedBytes = 0, issuedBytes = 0, totalBytes = 0, leftMs } = scan.progress ?? {};
  const [scanned, issued, all] = [scannedBytes, issuedBytes, totalBytes].map(nice);
  const goes = scan.state === 'running';
  const rate = goes ? ' at 211M/s' : '';
  const done = `${nice(scan.repairedBytes ?? 0)} ${scan.kind === 'resilver' ? 'resilvered' : 'repaired'}, ${percent(scan)}% done`;
  const old = leftMs === undefined ? '(scan is slow, no estimated time)' : `${hours(leftMs)} to go`;
  if (words === '0.6') return [`${scanned} scanned out of ${all} at 329M/s, ${old}`, done];
  const end = !goes ? '' : leftMs === undefined ? ', no estimated completion time' : `, ${clock(leftMs)} to go`;
  return words === '2.0'
    ? [`${scanned} scanned${rate}, ${issued} issued${rate}, ${all} total`, done + end]
    : [`${scanned} / ${all} scanned${rate}, ${issued} / ${all} issued${rate}`, done + end];
}

const percent = (scan: Scan): string => ((scan.progress?.done ?? 0) * 100).toFixed(2);

/** Three digits and a unit, as the tool rounds. */
function nice(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024) {
    value /= 1024;
    unit++;
  }
  const digits = Number.isInteger(value) ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toFixed(digits) + ('BKMGTPE'[unit] ?? '');
}

const pad = (value: number): string => String(value).padStart(2, '0');

function clock(ms = 0): string {
  const seconds = ms / 1000;
  const days = Math.floor(seconds / 86_400);
  const rest = `${pad(Math.floor(seconds / 3600) % 24)}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
  return days === 0 ? rest : `${days} days ${rest}`;
}

const hours = (ms = 0): string => `${Math.floor(ms / 3_600_000)}h${Math.floor(ms / 60_000) % 60}m`;

function ctime(at = 0): string {
  const date = new Date(at);
  const [day, , month] = date.toUTCString().split(/,? /);
  const time = date.toISOString().slice(11, 19);
  return `${day} ${month} ${String(date.getUTCDate()).padStart(2)} ${time} ${date.getUTCFullYear()}`;
}

// ---- drawing reports ----

/** Sizes that three digits can say exactly. */
const exactBytes = fc
  .tuple(fc.integer({ min: 0, max: 1023 }), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 4 }))
  .map(
    ([whole, quarters, unit]) => (whole < 10 && whole > 0 && unit > 0 ? whole + quarters / 4 : whole) * 1024 ** unit,
  );
const seconds = fc.integer({ min: 0, max: 40 * 86_400 }).map((n) => n * 1000);
const minutes = fc.integer({ min: 0, max: 200 * 60 }).map((n) => n * 60_000);
const moments = fc.integer({ min: 1_000_000_000, max: 4_000_000_000 }).map((n) => n * 1000);
const shares = fc.integer({ min: 0, max: 10_000 }).map((n) => n / 10_000);
const counts = fc.oneof(fc.constant(0), fc.nat({ max: 2 ** 45 }));

const diskName = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9]{0,11}$/),
  fc.stringMatching(/^\/srv\/[a-zA-Z0-9._-]{1,20}$/),
  fc.stringMatching(/^(ata|wwn|nvme)-[A-Za-z0-9_]{4,30}(-part[1-9])?$/),
  fc.stringMatching(/^\/srv\/[a-z]{1,8} [a-z]{1,8}$/),
);
const diskNotes = fc.option(
  fc.constantFrom(
    'too many errors',
    'cannot open',
    'external device fault',
    '(resilvering)',
    '(repairing)',
    '35.7M repaired',
    'was /dev/disk/by-id/ata-OLD-part1',
    'block size: 512B configured, 4096B native',
    '(100% trimmed, completed at Tue Sep  1 05:00:00 2026)',
  ),
  { nil: undefined },
);

const optional = <K extends string, V>(key: K, value: V | undefined): { [_ in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { [_ in K]: V });

const diskState = fc.constantFrom<DeviceState>('online', 'degraded', 'faulted', 'offline', 'removed', 'unavailable');
const errors = fc.record({ reads: counts, writes: counts, checksums: counts });
const disk = (role: DeviceRole): fc.Arbitrary<PoolDevice> =>
  fc.tuple(diskName, diskState, errors, diskNotes).map(([name, state, counted, note]) => ({
    name,
    role,
    state,
    errors: counted,
    ...optional('note', note),
    members: [],
  }));
const groupOf = (
  role: DeviceRole,
  names: readonly string[],
  member: fc.Arbitrary<PoolDevice>,
): fc.Arbitrary<PoolDevice> =>
  fc
    .tuple(
      fc.constantFrom(...names),
      fc.nat({ max: 12 }),
      diskState,
      errors,
      fc.array(member, { minLength: 1, maxLength: 4 }),
    )
    .map(([name, index, state, counted, members]) => ({
      name: `${name}-${index}`,
      role,
      state,
      errors: counted,
      members,
    }));
const spare: fc.Arbitrary<PoolDevice> = fc
  .tuple(diskName, fc.constantFrom<DeviceState>('available', 'in-use', 'unavailable'))
  .map(([name, state]) => ({
    name,
    role: 'spare',
    state,
    ...(state === 'in-use' ? { note: 'currently in use' } : state === 'unavailable' ? { note: 'cannot open' } : {}),
    members: [],
  }));
const tree: fc.Arbitrary<readonly PoolDevice[]> = fc
  .tuple(
    fc.array(
      fc.oneof(
        disk('data'),
        groupOf(
          'data',
          ['mirror', 'raidz1', 'raidz2', 'raidz3', 'draid1:2d:10c:5s'],
          fc.oneof(
            { weight: 4, arbitrary: disk('data') },
            { weight: 1, arbitrary: groupOf('data', ['replacing', 'spare'], disk('data')) },
          ),
        ),
      ),
      { minLength: 1, maxLength: 5 },
    ),
    ...(['dedup', 'special', 'log'] as const).map((role) =>
      fc.array(fc.oneof(disk(role), groupOf(role, ['mirror'], disk(role))), { maxLength: 2 }),
    ),
    fc.array(disk('cache'), { maxLength: 2 }),
    fc.array(spare, { maxLength: 2 }),
  )
  .map((parts) => parts.flat());

const progressIn = (words: Words) =>
  fc
    .record({
      done: shares,
      scanned: exactBytes,
      issued: exactBytes,
      total: exactBytes,
      left: fc.option(words === '0.6' ? minutes : seconds),
    })
    .map(({ done, scanned, issued, total, left }) => ({
      done,
      scannedBytes: scanned,
      ...(words === '0.6' ? {} : { issuedBytes: issued }),
      totalBytes: total,
      ...optional('leftMs', left ?? undefined),
    }));

function scanIn(words: Words): fc.Arbitrary<Scan> {
  const kind = fc.constantFrom('scrub' as const, 'resilver' as const);
  const length = words === 'fuse' || words === '0.6' ? minutes : seconds;
  const over = fc.record({ kind, endedAt: moments, durationMs: length, errors: fc.nat() });
  if (words === 'fuse') {
    return fc.oneof(
      over.map((scan): Scan => ({ ...scan, state: 'finished' })),
      over.map((scan): Scan => ({ ...scan, state: 'canceled' })),
      fc
        .record({ kind, durationMs: length, done: shares, leftMs: minutes })
        .map(({ done, leftMs, ...scan }): Scan => ({ ...scan, state: 'running', progress: { done, leftMs } })),
    );
  }
  const group =
    words === '0.6'
      ? fc.constant(undefined)
      : fc.option(fc.constantFrom('mirror-0', 'draid1:2d:10c:5s-0'), { nil: undefined });
  const withGroup = (scan: Scan, of: string | undefined): Scan =>
    scan.kind === 'resilver' ? { ...scan, ...optional('of', of) } : scan;
  const running = fc
    .record({ kind, startedAt: moments, repairedBytes: exactBytes, progress: progressIn(words), of: group })
    .map(({ of, ...scan }) => withGroup({ ...scan, state: 'running' }, of));
  const finished = fc
    .record({ scan: over, repairedBytes: exactBytes, of: group })
    .map(({ scan, repairedBytes, of }) => withGroup({ ...scan, repairedBytes, state: 'finished' }, of));
  const canceled = fc
    .record({ kind, endedAt: moments, of: group })
    .map(({ of, ...scan }) => withGroup({ ...scan, state: 'canceled' }, of));
  if (words === '0.6') return fc.oneof(running, finished, canceled);
  const paused = fc
    .record({ startedAt: moments, endedAt: moments, repairedBytes: exactBytes, progress: progressIn(words) })
    .map(({ progress: { leftMs: _, ...part }, ...scan }): Scan => ({
      kind: 'scrub',
      state: 'paused',
      ...scan,
      progress: part,
    }));
  return fc.oneof(running, finished, canceled, paused);
}

const prose = fc.option(
  fc.array(fc.stringMatching(/^[A-Za-z'.,()-]{1,14}$/), { minLength: 1, maxLength: 40 }).map((list) => list.join(' ')),
  { nil: undefined },
);
const poolName = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,20}$/);

const reportIn = (words: Words): fc.Arbitrary<PoolReport> =>
  fc
    .record({
      name: poolName,
      state: fc.constantFrom<DeviceState>('online', 'degraded', 'faulted', 'unavailable', 'suspended'),
      rootState: diskState,
      rootErrors: errors,
      rootNote: fc.option(fc.constantFrom('insufficient replicas', 'corrupted data'), { nil: undefined }),
      status: prose,
      action: prose,
      see: fc.option(fc.webUrl(), { nil: undefined }),
      scans: fc.array(scanIn(words), { maxLength: words === '2.0' || words === '2.2' ? 2 : 1 }),
      checkpoint: fc.option(fc.constant('created Tue Sep  1 04:00:00 2026, consumes 1.20M'), { nil: undefined }),
      members: tree,
      lost: fc.oneof(
        fc.constant({ count: 0, files: [] as string[] }),
        fc.constant({ count: undefined, files: [] as string[] }),
        fc.integer({ min: 1, max: 1e9 }).map((count) => ({ count, files: [] as string[] })),
        fc
          .array(fc.stringMatching(/^[a-z/][a-zA-Z0-9 :<>@._/-]{0,40}[a-z>]$/), { minLength: 1, maxLength: 6 })
          .map((files) => ({ count: files.length, files })),
      ),
    })
    .map((drawn) => ({
      name: drawn.name,
      driver: 'zfs',
      state: drawn.state,
      ...optional('status', drawn.status),
      ...optional('action', drawn.action),
      ...optional('see', drawn.see),
      remarks: optional('checkpoint', drawn.checkpoint),
      scans: drawn.scans,
      root: {
        name: drawn.name,
        role: 'data',
        state: drawn.rootState,
        errors: drawn.rootErrors,
        ...optional('note', drawn.rootNote),
        members: drawn.members,
      },
      dataErrors: drawn.lost,
    }));

/** Some pools, and in which words to write them. */
export const zpoolStatuses: fc.Arbitrary<{ readonly words: Words; readonly reports: readonly PoolReport[] }> = fc
  .constantFrom<Words>('fuse', '0.6', '2.0', '2.2')
  .chain((words) =>
    fc
      .uniqueArray(reportIn(words), { minLength: 1, maxLength: 3, selector: ({ name }) => name })
      .map((reports) => ({ words, reports })),
  );
