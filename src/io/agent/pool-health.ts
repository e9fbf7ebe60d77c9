/**
 * What a node remembers of its pools between two looks, so that it can tell what grows from what was there: counters of
 * errors against those of up to an hour ago, and what disks say of themselves against what they said at first.
 */
import type { ActorState } from '#actors/actor.ts';
import type { PoolStatus } from '#events/pool.ts';
import { health, type HealthLimits } from '../devices/pools/health.ts';
import { disksOf, type PoolReport, type Scan } from '../devices/pools/report.ts';
import type { Smart } from '../devices/pools/smart.ts';
import { statusOf, withoutProgress } from '../devices/pools/status.ts';

const hourMs = 3_600_000;
/** Monthly scrubs that come two weeks late are missing. */
const scrubAgeMs = 45 * 24 * hourMs;
/** From which temperature on a disk is too hot, and below which it is well again: in degrees Celsius. */
const hot = { from: 60, until: 55 };

interface Memory {
  /** What counters are compared with. */
  base: PoolReport;
  baseAt: number;
  smart: ReadonlyMap<string, { readonly now: Smart; readonly before?: Smart }>;
}

export class PoolHealth {
  readonly #memories = new Map<string, Memory>();

  noteSmart(name: string, smart: ReadonlyMap<string, Smart>): void {
    const memory = this.#memories.get(name);
    if (!memory) return;
    memory.smart = new Map(
      [...smart].map(([disk, now]) => {
        const known = memory.smart.get(disk);
        const before = known?.before ?? known?.now;
        return [disk, before === undefined ? { now } : { now, before }];
      }),
    );
  }

  smartOf(name: string): Memory['smart'] {
    return this.#memories.get(name)?.smart ?? new Map();
  }

  /** @param known what the lab has of it @param now milliseconds since 1970 */
  judge(report: PoolReport, known: ActorState<'pool'> | undefined, now: number): PoolStatus {
    const memory = this.#memories.get(report.name) ?? { base: report, baseAt: now, smart: new Map() };
    this.#memories.set(report.name, memory);
    const disks = new Set(disksOf(report).map((disk) => disk.name));
    const smart = new Map([...memory.smart].filter(([disk]) => disks.has(disk)));
    const verdict = health(withoutProgress(report), {
      now,
      previous: withLastScrub(memory.base, known?.context.lastScrubAt ?? null),
      // The one that every node has may never be scrubbed: nobody was asked whether to.
      ...(known === undefined || known.context.origin === 'usual' ? {} : { knownSince: known.createdAt }),
      smart,
      limits: limitsOf(known),
    });
    if (now - memory.baseAt >= hourMs) Object.assign(memory, { base: report, baseAt: now });
    return statusOf(report, verdict);
  }

  forget(name: string): void {
    this.#memories.delete(name);
  }
}

/** A disk that was too hot has to cool down before it counts as well: else it would be told again and again. */
function limitsOf(known: ActorState<'pool'> | undefined): Partial<HealthLimits> {
  const isHot = known?.context.status?.problems.some(({ code }) => code === 'disk-hot') ?? false;
  return { scrubAgeMs, temperature: isHot ? hot.until : hot.from };
}

/** The history knows of scrubs that a later walk has hidden. */
function withLastScrub(report: PoolReport, endedAt: number | null): PoolReport {
  if (endedAt === null) return report;
  const scan: Scan = { kind: 'scrub', state: 'finished', endedAt };
  return { ...report, scans: [...report.scans, scan] };
}
