/**
 * Programs that died soon after they began, counted over starts. A file that is damaged in the wrong place ends a process
 * from within the library that reads it: nothing is thrown, nobody can say what it was, and the next start dies as well.
 */
import { rmSync } from 'node:fs';
import { replaceFile, textIfThere } from '../stores/files.ts';

/** Whoever has run for so long has not died of what it opened. */
const soonMs = 60_000;

export interface EarlyDeaths {
  /** How many starts before this one, in a row, did not come to their end and did not last. */
  readonly count: number;
  /** This start has come to its end. */
  ended(): void;
}

/** @param path of the file that counts; it is there while a start is young */
export async function countEarlyDeaths(path: string): Promise<EarlyDeaths> {
  const count = Number(/^\d{1,6}\n$/.exec((await textIfThere(path)) ?? '')?.[0] ?? 0);
  await replaceFile(path, Buffer.from(`${count + 1}\n`), { mode: 0o600 });
  const ended = (): void => {
    clearTimeout(timer);
    process.off('exit', ended);
    rmSync(path, { force: true });
  };
  const timer = setTimeout(ended, soonMs);
  // Nobody stays for this.
  timer.unref();
  // Also of one that gives up in good order, as when its port is taken.
  process.once('exit', ended);
  return { count, ended };
}
