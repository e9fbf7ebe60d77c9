/** Homes of people who exist only in tests: gone after the tests of the file, or with the next run after one that was killed. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

/** The process in the name tells the next run whether anybody still uses the folder. */
export const homePrefix = (pid: number): string => join(tmpdir(), `floatlab-cli-${pid}-`);

const homes: string[] = [];
beforeAll(() => removeAbandoned());
afterAll(() => Promise.all(homes.map((home) => rm(home, { recursive: true, force: true }))));

export async function emptyHome(): Promise<string> {
  const home = await mkdtemp(homePrefix(process.pid));
  homes.push(home);
  return home;
}

export async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = /^floatlab-cli-(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !isRunning(Number(owner))) {
      await rm(join(tmpdir(), name), { recursive: true, force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
