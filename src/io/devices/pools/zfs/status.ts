/**
 * `zpool status -p`, as text: of OpenZFS before 2.3, which has no JSON, and of zfs-fuse. Pure.
 *
 * Keys are right-aligned and end with a colon; what follows indented belongs to the key above. The table of devices has
 * a tab before each row and two spaces for each level. What was not understood is an error and never left out: a row
 * that is missing could be the disk that has failed.
 */
import { damaged } from '../damaged.ts';
import type { DataErrors, DeviceRole, DeviceState, ErrorCounters, PoolDevice, PoolReport, Scan } from '../report.ts';
import { parseScan } from './scan.ts';
import { parseNumber } from './units.ts';

/** @throws IoError DAMAGED */
export function parseZpoolStatus(text: string): readonly PoolReport[] {
  const trimmed = text.trim();
  if (trimmed === 'no pools available' || trimmed === 'all pools are healthy') return [];
  const pools: PoolReport[] = [];
  for (const sections of splitPools(text)) pools.push(toReport(sections));
  const twice = pools.find(({ name }, index) => pools.findIndex((other) => other.name === name) !== index);
  if (pools.length === 0 || twice) throw garbage(twice?.name ?? 'pools', 'it does not list pools', trimmed);
  return pools;
}

const garbage = (pool: string, what: string, near?: string) => damaged('zpool status', pool, what, near);

interface Section {
  readonly key: string;
  /** The rest of the line of the key, and what follows it, as it is. */
  readonly lines: string[];
}

const keyLine = /^ {0,4}([a-z]+):(?: (.*))?$/;
const warning = /^ {4}scan warning: (.*)$/;

function splitPools(text: string): readonly (readonly Section[])[] {
  const pools: Section[][] = [];
  let current: Section | undefined;
  for (const line of text.split('\n')) {
    // Most lines are devices.
    const key = line.startsWith('\t') ? null : keyLine.exec(line);
    const warned = key ? null : warning.exec(line);
    if (key || warned) {
      current = { key: key?.[1] ?? 'warning', lines: [(key?.[2] ?? warned?.[1] ?? '').trim()] };
      if (current.key === 'pool') pools.push([]);
      const pool = pools.at(-1);
      if (!pool) throw garbage('pools', 'a pool has no name', line);
      pool.push(current);
    } else if (current) current.lines.push(line);
    else if (line.trim() !== '') throw garbage('pools', 'it does not begin with a pool', line);
  }
  return pools;
}

function toReport(sections: readonly Section[]): PoolReport {
  const name = sections[0]?.lines[0] ?? '';
  if (name === '' || /\s/.test(name)) throw garbage('pools', 'a pool has no name', name);
  const remarks: Record<string, string> = {};
  const single: Record<string, Section> = {};
  const scans: Scan[] = [];
  const errors: Section[] = [];
  for (const section of sections) {
    if (section.key === 'scan' || section.key === 'scrub') scans.push(...toScans(name, section));
    else if (section.key === 'errors') errors.push(section);
    else if (single[section.key]) throw garbage(name, `it says ${section.key} twice`);
    else {
      single[section.key] = section;
      if (!known.has(section.key)) remarks[section.key] = prose(section);
    }
  }
  const said = (key: 'status' | 'action' | 'see') =>
    single[key] ? { [key]: prose(single[key]).replaceAll(/\s+/g, ' ') } : {};
  const stateName = single['state']?.lines[0] ?? '';
  const state = states[stateName];
  if (state === undefined) throw garbage(name, 'its state is not known', stateName);
  // A pool that is well always says that it has no errors: without that line the answer was cut short.
  if (errors.length === 0 && (state === 'online' || state === 'degraded')) throw garbage(name, 'its end is missing');
  return {
    name,
    driver: 'zfs',
    state,
    ...said('status'),
    ...said('action'),
    ...said('see'),
    remarks,
    scans,
    root: toTree(name, single['config']),
    dataErrors: toErrors(name, errors),
  };
}

const known: ReadonlySet<string> = new Set(['pool', 'state', 'status', 'action', 'see', 'config']);

/** Lines that were broken to fit the screen, as one. */
const prose = (section: Section): string =>
  section.lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');

function toScans(pool: string, section: Section): readonly Scan[] {
  const lines = section.lines.map((line) => line.trim()).filter((line) => line !== '');
  const scan = parseScan(lines);
  if (scan === undefined) throw garbage(pool, 'its scan is not known', lines.join(' '));
  return scan === 'none' ? [] : [scan];
}

const states: Readonly<Record<string, DeviceState>> = {
  ONLINE: 'online',
  DEGRADED: 'degraded',
  FAULTED: 'faulted',
  OFFLINE: 'offline',
  REMOVED: 'removed',
  UNAVAIL: 'unavailable',
  SUSPENDED: 'suspended',
  AVAIL: 'available',
  INUSE: 'in-use',
};

/** @returns undefined for what is no state */
export const deviceState = (name: string): DeviceState | undefined => states[name];

const headings: Readonly<Record<string, DeviceRole>> = {
  special: 'special',
  dedup: 'dedup',
  logs: 'log',
  cache: 'cache',
  spares: 'spare',
};

const counts = String.raw`(?: +([\d.]+[A-Z]?|-) +([\d.]+[A-Z]?|-) +([\d.]+[A-Z]?|-))?(?: {2,}(\S.*))?$`;
/** Level, name, state, three counters where there are any, a note. */
const row = new RegExp(String.raw`^( *)(\S+) +([A-Z]+)${counts}`);
/** The same of a file whose name has blanks; slower, because every blank could be its end. */
const rowWithBlanks = new RegExp(String.raw`^( *)(\S.*?) +(${Object.keys(states).join('|')})${counts}`);

interface Building extends PoolDevice {
  readonly members: Building[];
}

function toTree(pool: string, config: Section | undefined): PoolDevice {
  const rows = (config?.lines ?? []).filter((line) => line.trim() !== '').map((line) => line.trimEnd());
  const [header, first, ...others] = rows;
  if (header === undefined || !/^\tNAME +STATE +READ +WRITE +CKSUM/.test(header))
    throw garbage(pool, 'its devices are missing', header);
  const root = first === undefined ? undefined : toDevice(pool, first, 'data');
  if (root?.level !== 0 || root.device.name !== pool) throw garbage(pool, 'its devices do not begin with it', first);

  let role: DeviceRole = 'data';
  // The last device of each level: what comes next belongs to the one above it.
  const open: Building[] = [root.device];
  for (const line of others) {
    const heading = headings[line.slice(1)];
    if (heading !== undefined && line.startsWith('\t')) {
      role = heading;
      open.length = 1;
      continue;
    }
    const { level, device } = toDevice(pool, line, role);
    const parent = level < 1 ? undefined : open[level - 1];
    if (!parent) throw garbage(pool, 'a device has no place', line);
    parent.members.push(device);
    open.length = level;
    open.push(device);
  }
  return root.device;
}

function toDevice(pool: string, line: string, role: DeviceRole): { readonly level: number; readonly device: Building } {
  const text = line.startsWith('\t') ? line.slice(1) : '';
  const simple = row.exec(text);
  const match = states[simple?.[3] ?? ''] === undefined ? rowWithBlanks.exec(text) : simple;
  const state = states[match?.[3] ?? ''];
  if (!match || state === undefined) throw garbage(pool, 'a device cannot be read', line);
  const [, indent = '', name = '', , reads, writes, checksums, note] = match;
  if (indent.length % 2 !== 0) throw garbage(pool, 'a device has no place', line);
  const errors = toCounters(pool, line, [reads, writes, checksums]);
  // Only a spare that nobody needs has nothing to count.
  if (errors === undefined && role !== 'spare') throw garbage(pool, 'the errors of a device are missing', line);
  const device: Building = {
    name,
    role,
    state,
    ...(errors === undefined ? {} : { errors }),
    ...(note === undefined ? {} : { note }),
    members: [],
  };
  return { level: indent.length / 2, device };
}

function toCounters(pool: string, line: string, texts: readonly (string | undefined)[]): ErrorCounters | undefined {
  if (texts.every((text) => text === undefined)) return undefined;
  const [reads, writes, checksums] = texts.map((text) => (text === '-' ? 0 : parseNumber(text ?? '')));
  if (reads === undefined || writes === undefined || checksums === undefined)
    throw garbage(pool, 'the errors of a device cannot be read', line);
  return { reads, writes, checksums };
}

function toErrors(pool: string, sections: readonly Section[]): DataErrors {
  let errors: DataErrors | undefined;
  for (const { lines } of sections) {
    const [first = '', ...more] = lines;
    const counted = /^(\d+) data errors?(?:,|$)/.exec(first);
    let read: DataErrors;
    if (first === 'No known data errors') read = { count: 0, files: [] };
    else if (counted) read = { count: Number(counted[1]), files: [] };
    else if (first.startsWith('List of errors unavailable')) read = { count: undefined, files: [] };
    else if (first.startsWith('Permanent errors have been detected')) {
      const files = more.filter((line) => line.trim() !== '').map((line) => line.replace(/^ {8}/, ''));
      read = { count: files.length, files };
    } else throw garbage(pool, 'its errors cannot be read', first);
    // Of a suspended pool there may be two: that there is no list, and how many there are.
    if (errors === undefined || (read.count ?? 0) > (errors.count ?? 0)) errors = read;
  }
  return errors ?? { count: undefined, files: [] };
}
