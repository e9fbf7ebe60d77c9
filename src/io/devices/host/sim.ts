/**
 * The simulated machine: facts as given, usage that wanders a little around a level, all from the seed and the given
 * clock; and a hand for a simulation to make it busy, to change what it is, or to make it fail.
 */
import type { Call } from '../call.ts';
import type { Clock } from '../clock/port.ts';
import { sleep } from '../clock/port.ts';
import { IoError } from '../error.ts';
import type { Random } from '../random/port.ts';
import type { HostFacts, HostPort, HostUsage } from './port.ts';

export type HostFault = (op: 'facts' | 'usage') => IoError | undefined;

export interface SimHostOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly name: string;
  /** Where it differs from a small server with 4 cores and 8 GiB. */
  readonly facts?: Partial<HostFacts>;
  readonly fault?: HostFault;
}

export interface SimHost extends HostPort {
  fault: HostFault | undefined;
  /** From now on; without a level, usage wanders again. */
  setUsage(usage: Partial<Pick<HostUsage, 'cpu' | 'memoryUsedBytes' | 'load1'>>): void;
  setFacts(facts: Partial<HostFacts>): void;
  /** The machine starts anew: its uptime begins at 0. */
  reboot(): void;
}

export function simHost({ clock, random, name, facts: given, fault }: SimHostOptions): SimHost {
  let facts: HostFacts = {
    hostname: name,
    architecture: 'amd64',
    cpus: 4,
    memoryBytes: 8 * 2 ** 30,
    os: 'Debian GNU/Linux 12 (bookworm)',
    kernel: '6.1.0-42-amd64',
    addresses: [`10.0.${Math.floor(random.next() * 250)}.${1 + Math.floor(random.next() * 250)}`],
    devices: [{ name: 'nvme0n1', sizeBytes: 512 * 10 ** 9, model: 'Simulated SSD', rotational: false }],
    shares: [],
    ...given,
  };
  let fixed: Partial<HostUsage> = {};
  let startedAt = clock.monotonicMs();
  let level = 0.02 + random.next() * 0.1;

  const perform = async <T>(op: 'facts' | 'usage', call: Call, answer: () => T): Promise<T> => {
    const takesMs = 1 + random.next() * 2;
    await sleep(clock, Math.min(takesMs, call.timeoutMs), call.signal);
    const cut = call.signal.aborted ? 'ABORTED' : call.timeoutMs < takesMs ? 'TIMED_OUT' : undefined;
    if (cut) throw new IoError(cut, { op, target: name, message: `${op} of ${name} was cut off` });
    const problem = sim.fault?.(op);
    if (problem) throw problem;
    return answer();
  };

  const sim: SimHost = {
    fault,
    facts: (call) => perform('facts', call, () => facts),
    usage: (call) =>
      perform('usage', call, () => {
        level = Math.min(0.3, Math.max(0.01, level + (random.next() - 0.5) * 0.02));
        return {
          cpu: level,
          memoryUsedBytes: Math.round(facts.memoryBytes * (0.15 + level)),
          load1: level * facts.cpus,
          ...fixed,
          uptimeMs: clock.monotonicMs() - startedAt,
        };
      }),
    setUsage: (usage) => void (fixed = usage),
    setFacts: (changed) => void (facts = { ...facts, ...changed }),
    reboot: () => void (startedAt = clock.monotonicMs()),
  };
  return sim;
}
