/**
 * `zpool status -j -p` of OpenZFS 2.3 and later. Pure. Numbers come as texts, because guids do not fit into those of
 * JavaScript; what is asked with `--json-int` is read as well.
 */
import * as z from 'zod';
import { damaged } from '../damaged.ts';
import type { DeviceRole, PoolDevice, PoolReport, Scan } from '../report.ts';
import { deviceState } from './status.ts';
import { parseDate, parseNumber } from './units.ts';

const number = z.union([z.number(), z.string()]);

interface Vdev {
  readonly name: string;
  readonly state: string;
  readonly read_errors?: string | number | undefined;
  readonly write_errors?: string | number | undefined;
  readonly checksum_errors?: string | number | undefined;
  readonly rep_dev_size?: string | number | undefined;
  readonly phys_space?: string | number | undefined;
  readonly was?: string | undefined;
  readonly aux?: string | undefined;
  readonly vdevs?: Record<string, Vdev> | undefined;
}
const vdev: z.ZodType<Vdev> = z.object({
  name: z.string(),
  state: z.string(),
  read_errors: number.optional(),
  write_errors: number.optional(),
  checksum_errors: number.optional(),
  rep_dev_size: number.optional(),
  phys_space: number.optional(),
  was: z.string().optional(),
  aux: z.string().optional(),
  get vdevs() {
    return z.record(z.string(), vdev).optional();
  },
});
const vdevs = z.record(z.string(), vdev).optional();

const scanStats = z.object({
  function: z.string(),
  state: z.string(),
  start_time: number.optional(),
  end_time: number.optional(),
  to_examine: number.optional(),
  examined: number.optional(),
  skipped: number.optional(),
  processed: number.optional(),
  errors: number.optional(),
  issued: number.optional(),
  scrub_pause: number.optional(),
});

const pool = z.object({
  name: z.string(),
  state: z.string(),
  status: z.string().optional(),
  action: z.string().optional(),
  moreinfo: z.string().optional(),
  scan_stats: scanStats.optional(),
  vdevs: z.record(z.string(), vdev),
  special: vdevs,
  dedup: vdevs,
  logs: vdevs,
  l2cache: vdevs,
  spares: vdevs,
  error_count: number.optional(),
  errlist: z.array(z.string()).optional(),
});
const answer = z.object({ pools: z.record(z.string(), pool).default({}) });
type Pool = z.infer<typeof pool>;

const op = 'zpool status';

/** @throws IoError DAMAGED */
export function parseZpoolStatusJson(text: string): readonly PoolReport[] {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    throw damaged(op, 'pools', 'it is not JSON', text);
  }
  const parsed = answer.safeParse(read);
  if (!parsed.success) throw damaged(op, 'pools', z.prettifyError(parsed.error), text);
  return Object.values(parsed.data.pools).map(toReport);
}

function toReport(said: Pool): PoolReport {
  const { name } = said;
  const state = deviceState(said.state);
  if (state === undefined) throw damaged(op, name, 'its state is not known', said.state);
  const top = said.vdevs[name];
  if (!top) throw damaged(op, name, 'its devices do not begin with it');
  const root = toDevice(name, top, 'data');
  const apart = sections.flatMap(([key, role]) =>
    Object.values(said[key] ?? {}).map((device) => toDevice(name, device, role)),
  );
  const count = said.error_count === undefined ? undefined : amount(said.error_count);
  if (count === undefined && (state === 'online' || state === 'degraded'))
    throw damaged(op, name, 'its errors are missing');
  const scan = toScan(name, said.scan_stats);
  return {
    name,
    driver: 'zfs',
    state,
    ...(said.status === undefined ? {} : { status: prose(said.status) }),
    ...(said.action === undefined ? {} : { action: prose(said.action) }),
    ...(said.moreinfo === undefined ? {} : { see: said.moreinfo }),
    remarks: {},
    scans: scan === undefined ? [] : [scan],
    root: { ...root, members: [...root.members, ...apart] },
    dataErrors: { count, files: said.errlist ?? [] },
  };
}

/** In the order in which the text has them. */
const sections = [
  ['dedup', 'dedup'],
  ['special', 'special'],
  ['logs', 'log'],
  ['l2cache', 'cache'],
  ['spares', 'spare'],
] as const satisfies readonly (readonly [keyof Pool, DeviceRole])[];

const prose = (text: string): string => text.trim().replaceAll(/\s+/g, ' ');

function toDevice(pool: string, said: Vdev, role: DeviceRole): PoolDevice {
  const state = deviceState(said.state);
  if (state === undefined) throw damaged(op, pool, `the state of ${said.name} is not known`, said.state);
  const counters = [said.read_errors, said.write_errors, said.checksum_errors].map((value) =>
    value === undefined ? undefined : amount(value),
  );
  const [reads, writes, checksums] = counters;
  const hasAll = reads !== undefined && writes !== undefined && checksums !== undefined;
  if (!hasAll && role !== 'spare') throw damaged(op, pool, `the errors of ${said.name} are missing`);
  const sizeBytes = said.phys_space === undefined ? undefined : amount(said.phys_space);
  const note = said.was === undefined ? said.aux : `was ${said.was}`;
  return {
    name: said.name,
    role,
    state,
    ...(hasAll ? { errors: { reads, writes, checksums } } : {}),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(note === undefined ? {} : { note }),
    members: Object.values(said.vdevs ?? {}).map((member) => toDevice(pool, member, role)),
  };
}

const kinds: Readonly<Record<string, Scan['kind']>> = {
  SCRUB: 'scrub',
  RESILVER: 'resilver',
  ERRORSCRUB: 'error-scrub',
};

function toScan(pool: string, said: Pool['scan_stats']): Scan | undefined {
  if (!said || said.function === 'NONE' || said.state === 'NONE') return undefined;
  const kind = kinds[said.function];
  if (kind === undefined) throw damaged(op, pool, 'its scan is not known', said.function);
  const startedAt = moment(said.start_time);
  const endedAt = moment(said.end_time);
  const repairedBytes = said.processed === undefined ? undefined : amount(said.processed);
  const repaired = repairedBytes === undefined ? {} : { repairedBytes };
  const started = startedAt === undefined ? {} : { startedAt };
  switch (said.state) {
    case 'FINISHED': {
      const durationMs = startedAt === undefined || endedAt === undefined ? undefined : endedAt - startedAt;
      const errors = said.errors === undefined ? undefined : amount(said.errors);
      return {
        kind,
        state: 'finished',
        ...started,
        ...(endedAt === undefined ? {} : { endedAt }),
        ...(durationMs === undefined ? {} : { durationMs }),
        ...repaired,
        ...(errors === undefined ? {} : { errors }),
      };
    }
    case 'CANCELED':
      return { kind, state: 'canceled', ...started, ...(endedAt === undefined ? {} : { endedAt }) };
    case 'SCANNING': {
      const pausedAt = moment(said.scrub_pause);
      const progress = toProgress(said);
      if (pausedAt === undefined) return { kind, state: 'running', ...started, ...repaired, progress };
      return { kind, state: 'paused', ...started, endedAt: pausedAt, ...repaired, progress };
    }
    default:
      throw damaged(op, pool, 'the state of its scan is not known', said.state);
  }
}

function toProgress(said: NonNullable<Pool['scan_stats']>): NonNullable<Scan['progress']> {
  const [scannedBytes, issuedBytes = 0, examine = 0, skipped = 0] = [
    said.examined,
    said.issued,
    said.to_examine,
    said.skipped,
  ].map((value) => (value === undefined ? undefined : amount(value)));
  const totalBytes = Math.max(0, examine - skipped);
  return {
    ...(totalBytes === 0 ? {} : { done: Math.min(1, issuedBytes / totalBytes) }),
    ...(scannedBytes === undefined ? {} : { scannedBytes }),
    issuedBytes,
    totalBytes,
  };
}

const amount = (value: string | number): number | undefined =>
  typeof value === 'number' ? value : parseNumber(value.trim());

/** Seconds since 1970, or a date; 0 and `-` stand for never. */
function moment(value: string | number | undefined): number | undefined {
  if (value === undefined || value === '-') return undefined;
  const seconds = amount(value);
  const at = seconds === undefined ? parseDate(String(value)) : seconds * 1000;
  return at === 0 ? undefined : at;
}
