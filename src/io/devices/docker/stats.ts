/** From the engine's counters to figures. */
import type { ContainerStats } from './port.ts';

/** The part of the engine's answer that is used. All of it may be missing: of a container that does not run, it is. */
export interface RawStats {
  readonly read?: string;
  readonly preread?: string;
  readonly cpu_stats?: RawCpu;
  readonly precpu_stats?: RawCpu;
  readonly memory_stats?: {
    readonly usage?: number;
    readonly limit?: number;
    readonly stats?: Readonly<Record<string, number>>;
  };
}
interface RawCpu {
  /** Nanoseconds of processor time since the start of the container. */
  readonly cpu_usage?: { readonly total_usage?: number };
}

export function containerStats(raw: RawStats): ContainerStats {
  return { cpuCores: cores(raw), ...memory(raw) };
}

/** Processor time used between two readings, over the time between them. */
function cores(raw: RawStats): number {
  const elapsedMs = Date.parse(raw.read ?? '') - Date.parse(raw.preread ?? '');
  const usedNs = (raw.cpu_stats?.cpu_usage?.total_usage ?? 0) - (raw.precpu_stats?.cpu_usage?.total_usage ?? 0);
  // The first reading has none before it: the engine gives the year 1.
  const first = !(Date.parse(raw.preread ?? '') > 0);
  return first || elapsedMs <= 0 || usedNs <= 0 ? 0 : usedNs / 1e6 / elapsedMs;
}

/**
 * Without the part of the page cache that the kernel gives back at once, as `docker stats` counts: control groups v1
 * name it `total_inactive_file` (for the whole group), v2 `inactive_file`.
 */
function memory(raw: RawStats): Pick<ContainerStats, 'memoryBytes' | 'memoryLimitBytes'> {
  const { usage = 0, limit = 0, stats = {} } = raw.memory_stats ?? {};
  const cache = stats['total_inactive_file'] ?? stats['inactive_file'] ?? 0;
  return { memoryBytes: cache < usage ? usage - cache : usage, memoryLimitBytes: limit };
}
