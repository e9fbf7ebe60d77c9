/**
 * The machine that the daemon runs on. Reading usage costs two small files of the kernel and no process, so that it
 * can be asked every few seconds for nothing.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { cpus, hostname, loadavg, networkInterfaces, release, totalmem, uptime } from 'node:os';
import type { Call } from '../call.ts';
import type { Clock } from '../clock/port.ts';
import { realClock } from '../clock/real.ts';
import { IoError, asIoError } from '../error.ts';
import { blockDevices } from './block-devices.ts';
import type { CpuTimes } from './parse.ts';
import {
  cpuShare,
  parseCpuTimes,
  parseFleetingAddresses,
  parseMemory,
  parseOsName,
  reachableAddresses,
} from './parse.ts';
import type { HostFacts, HostPort, HostUsage } from './port.ts';
import { sharesIn } from './shares.ts';

/** As container images name them, so that an image can be matched with a machine. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** Over less time than this the share of a core is chance: several who ask at once get one answer. */
const windowMs = 500;

export function realHost(clock: Clock = realClock): HostPort {
  let before: { readonly at: number; readonly times: CpuTimes | undefined } = {
    at: clock.monotonicMs(),
    times: cpuTimesNow(),
  };
  let share = 0;

  return {
    facts: (call) =>
      attempt('facts', call, async (): Promise<HostFacts> => {
        const [osRelease, fleeting, mountinfo, devices] = await Promise.all([
          readOr('/etc/os-release'),
          readOr('/proc/net/if_inet6'),
          readOr('/proc/self/mountinfo'),
          blockDevices(),
        ]);
        const addresses = Object.entries(networkInterfaces()).flatMap(([name, list]) =>
          (list ?? []).map(({ address, internal }) => ({ interface: name, address, internal })),
        );
        return {
          hostname: hostname(),
          architecture: architectures[process.arch] ?? process.arch,
          cpus: cpus().length,
          memoryBytes: totalmem(),
          os: parseOsName(osRelease) ?? process.platform,
          kernel: release(),
          addresses: reachableAddresses(addresses, parseFleetingAddresses(fleeting)),
          devices,
          shares: sharesIn(mountinfo),
        };
      }),

    usage: (call) =>
      attempt('usage', call, async (): Promise<HostUsage> => {
        const [stat, memory] = await Promise.all([readFile('/proc/stat', 'utf8'), readFile('/proc/meminfo', 'utf8')]);
        const now = { at: clock.monotonicMs(), times: parseCpuTimes(stat) };
        if (now.at - before.at >= windowMs) {
          if (before.times && now.times) share = cpuShare(before.times, now.times) ?? share;
          before = now;
        }
        return {
          cpu: share,
          memoryUsedBytes: parseMemory(memory)?.usedBytes ?? 0,
          load1: loadavg()[0] ?? 0,
          uptimeMs: Math.round(uptime() * 1000),
        };
      }),
  };
}

/** The first reading, so that the first question already has something to compare with. */
function cpuTimesNow(): CpuTimes | undefined {
  try {
    return parseCpuTimes(readFileSync('/proc/stat', 'utf8'));
  } catch {
    return undefined;
  }
}

/** Files that a machine may lack. */
const readOr = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

async function attempt<T>(op: string, call: Call, body: () => Promise<T>): Promise<T> {
  if (call.signal.aborted)
    throw new IoError('ABORTED', { op, target: 'host', message: `${op} of the host was cancelled` });
  try {
    return await body();
  } catch (error) {
    throw asIoError(error, op, 'host');
  }
}
