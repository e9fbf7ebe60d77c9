/**
 * A machine that dies at the n-th call to its disk: right before it, or when its effect is there and nobody was told.
 * Going through all n tries a crash at every await of a story.
 */
import { seededRandom } from '#io/devices/random/sim.ts';
import { SimDirectory } from '#io/stores/directory-sim.ts';
import type { Directory } from '#io/stores/directory.ts';
import { SimMedium } from '#io/stores/sim-medium.ts';
import type { Crash } from '#io/stores/sim.ts';
import { VirtualClock } from '#test/io/stores/virtual-clock.ts';

export const simDirectory = (seed = 1): SimDirectory => new SimDirectory(simMedium(seed));

export const simMedium = (seed = 1): SimMedium =>
  new SimMedium({ clock: new VirtualClock(), random: seededRandom(seed), latencyMs: 0 });

export interface CrashPoint {
  /** From 1. */
  readonly call: number;
  readonly kind: Crash;
  /** Whether the call has had its effect. */
  readonly isDone: boolean;
}

/** Every way to die at this call. */
export const crashesAt = (call: number): readonly CrashPoint[] =>
  (['process', 'power'] as const).flatMap((kind) => [true, false].map((isDone) => ({ call, kind, isDone })));

/** Runs the story on the disk until the machine dies. @returns whether the story came to its end before */
export async function runUntilCrash(
  disk: SimDirectory,
  point: CrashPoint,
  story: (directory: Directory) => Promise<void>,
): Promise<boolean> {
  let die = (): void => undefined;
  const dead = new Promise<'dead'>((resolve) => {
    die = () => {
      disk.crash(point.kind);
      resolve('dead');
    };
  });
  const end = story(mortal(disk.open(), point, die)).then(() => 'end' as const);
  return (await Promise.race([end, dead])) === 'end';
}

/** Tries every crash of a story; a new disk each time. @returns how many there were */
export async function everyCrash(attempt: (point: CrashPoint) => Promise<boolean>): Promise<number> {
  let crashes = 0;
  for (let call = 1; ; call++) {
    let hasEnded = false;
    for (const point of crashesAt(call)) {
      if (await attempt(point)) hasEnded = true;
      else crashes++;
    }
    if (hasEnded) return crashes;
  }
}

function mortal(directory: Directory, point: CrashPoint, die: () => void): Directory {
  let calls = 0;
  const step = async <T>(call: () => Promise<T>): Promise<T> => {
    if (++calls !== point.call) return call();
    const done = point.isDone ? call() : undefined;
    done?.catch(() => undefined);
    die();
    return new Promise(() => undefined);
  };
  return {
    list: () => step(() => directory.list()),
    read: (name) => step(() => directory.read(name)),
    async *stream(name, from) {
      const pieces = directory.stream(name, from)[Symbol.asyncIterator]();
      for (;;) {
        const next = await step(() => pieces.next());
        if (next.done) return;
        yield next.value;
      }
    },
    replace: (name, bytes) => step(() => directory.replace(name, bytes)),
    writeAt: (name, offset, bytes) => step(() => directory.writeAt(name, offset, bytes)),
    sync: (name) => step(() => directory.sync(name)),
    rename: (from, to) => step(() => directory.rename(from, to)),
    delete: (name) => step(() => directory.delete(name)),
    close: () => directory.close(),
  };
}
