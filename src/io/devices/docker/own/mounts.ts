/** Mounts that an engine left behind when it was killed. */
import { readFile } from 'node:fs/promises';
import { tool } from './tool.ts';

/**
 * What to unmount, innermost first: mount points strictly below the folder, and the folder bound onto itself, as an
 * engine does with its data. A disk that a person mounted there stays.
 */
export function mountsToClear(mountInfo: string, folder: string): readonly string[] {
  return mountInfo
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , , root = '', point = '']) => {
      const at = unescaped(point);
      // `root` is the folder that is mounted, as its own file system names it.
      return at.startsWith(`${folder}/`) || (at === folder && at.endsWith(unescaped(root)));
    })
    .map(([, , , , point = '']) => unescaped(point))
    .toReversed();
}

/** The kernel writes space, tab, line end and backslash as three octal digits. */
const unescaped = (text: string): string =>
  text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** @returns what is still mounted afterwards */
export async function unmountAll(folder: string): Promise<readonly string[]> {
  for (const point of mountsToClear(await readFile('/proc/self/mountinfo', 'utf8'), folder)) {
    const { exitCode } = await tool('umount', point);
    if (exitCode !== 0) await tool('umount', '--lazy', point);
  }
  return mountsToClear(await readFile('/proc/self/mountinfo', 'utf8'), folder);
}
