/** The simulated twin: copies the files of simulated volumes, and takes some time for it. */
import type { Clock } from '../clock/port.ts';
import { sleep } from '../clock/port.ts';
import { IoError } from '../error.ts';
import type { Random } from '../random/port.ts';
import type { SimVolumes } from '../volumes/sim.ts';
import type { ContentPort } from './port.ts';

export interface SimContentOptions {
  readonly volumes: Pick<SimVolumes, 'filesAt'>;
  readonly clock: Clock;
  readonly random: Random;
}

export function simContent({ volumes, clock, random }: SimContentOptions): ContentPort {
  const filesAt = (op: string, path: string): Map<string, string> => {
    const files = volumes.filesAt(path);
    if (files) return files;
    throw new IoError('MISSING', { op, target: path, message: `nothing is mounted at ${path}` });
  };
  const become = (op: string, from: string, to: string): number => {
    const [source, target] = [filesAt(op, from), filesAt(op, to)];
    target.clear();
    for (const [file, text] of source) target.set(file, text);
    return source.size;
  };
  return {
    reach: async (path) => (volumes.filesAt(path) ? 'writable' : 'absent'),
    async copy(from, to, call) {
      become('copy', from, to);
      await sleep(clock, 200 + random.next() * 3000, call.signal);
      call.signal.throwIfAborted();
    },
    async finish(from, to, call) {
      await sleep(clock, 20 + random.next() * 500, call.signal);
      call.signal.throwIfAborted();
      const entries = become('finish', from, to);
      return { entries, copied: entries };
    },
  };
}
