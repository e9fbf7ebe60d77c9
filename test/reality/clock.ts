/**
 * The clock of one machine, to be set wrong while its daemon runs: libfaketime gives the daemon another time of day, by
 * a file that it reads every second. What counts boot time (timers, timeouts) it leaves alone, as a wrong clock does.
 */
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause } from './host.ts';
import type { Machine } from './machine.ts';

const libraries = '/usr/lib';
const readAgainMs = 1000;

/** Undefined where it is not installed. */
function library(): string | undefined {
  for (const folder of readdirSync(libraries)) {
    const found = join(libraries, folder, 'faketime');
    try {
      // The one for programs with threads.
      if (readdirSync(found).includes('libfaketimeMT.so.1')) return join(found, 'libfaketimeMT.so.1');
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}

export const missingClocks = (): string | undefined => (library() === undefined ? 'libfaketime' : undefined);

export class WrongClock {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Of a machine that has not been started yet. Right, at first. */
  static async of(machine: Machine): Promise<WrongClock> {
    const clock = new WrongClock(await mkdtemp(join(tmpdir(), 'floatlab-clock-')));
    await clock.#write(0);
    machine.environment = {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: clock.#file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    return clock;
  }

  get #file(): string {
    return join(this.#folder, 'offset');
  }

  /** Resolves when the daemon goes by it. */
  async set(aheadMs: number): Promise<void> {
    await this.#write(aheadMs);
    await pause(readAgainMs + 200);
  }

  #write(aheadMs: number): Promise<void> {
    return writeFile(this.#file, `+${Math.round(aheadMs / 1000)}\n`);
  }

  dispose(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }
}
