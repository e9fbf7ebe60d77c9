/** The machine itself: what it is (facts, which become events) and how it does (figures, which never do). */
import type { Call } from '../call.ts';

export interface HostFacts {
  readonly hostname: string;
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly os: string;
  readonly kernel: string;
  readonly addresses: readonly string[];
}

export interface HostUsage {
  /** Share of all cores in use, 0 to 1. */
  readonly cpu: number;
  readonly memoryUsedBytes: number;
  readonly load1: number;
  readonly uptimeMs: number;
}

export interface HostPort {
  facts(call: Call): Promise<HostFacts>;
  usage(call: Call): Promise<HostUsage>;
}
