/** The disks of a machine, from the kernel's own list: one small folder of files for each, and no program. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { parseBlockDevice } from './parse.ts';
import type { BlockDevice } from './port.ts';

const folder = '/sys/block';

/** In the order of their names. Empty where the kernel shows none, as in some containers. */
export async function blockDevices(): Promise<readonly BlockDevice[]> {
  const names = await readdir(folder).catch((): string[] => []);
  const found = await Promise.all(names.toSorted().map(readOne));
  return found.filter((device) => device !== undefined);
}

async function readOne(name: string): Promise<BlockDevice | undefined> {
  // Each of them may be missing, and a disk may be pulled out while we look.
  const path = await readlink(join(folder, name)).catch(() => '');
  const read = (file: string): Promise<string> => readFile(join(folder, name, file), 'utf8').catch(() => '');
  // What is made of files or memory are many, and nobody asks about them: their folders are left closed.
  if (path.includes('/virtual/')) return undefined;
  const [size, model, card, rotational] = await Promise.all(
    ['size', 'device/model', 'device/name', 'queue/rotational'].map(read),
  );
  return parseBlockDevice({ name, path, size, model, card, rotational });
}
