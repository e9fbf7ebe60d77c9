/** Mounts that an engine left behind when it was killed. */
import { readFile } from 'node:fs/promises';
import { execa } from 'execa';

/** Mount points strictly below the folder, innermost first. The folder itself may be somebody's mount: it stays. */
export function mountsBelow(mountInfo: string, folder: string): readonly string[] {
  return mountInfo
    .split('\n')
    .map((line) => unescaped(line.split(' ')[4] ?? ''))
    .filter((point) => point.startsWith(`${folder}/`))
    .toReversed();
}

/** The kernel writes space, tab, line end and backslash as three octal digits. */
const unescaped = (text: string): string =>
  text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** @returns what is still mounted afterwards */
export async function unmountBelow(folder: string): Promise<readonly string[]> {
  for (const point of mountsBelow(await readFile('/proc/self/mountinfo', 'utf8'), folder)) {
    const { failed } = await execa('umount', [point], { reject: false });
    if (failed) await execa('umount', ['--lazy', point], { reject: false });
  }
  return mountsBelow(await readFile('/proc/self/mountinfo', 'utf8'), folder);
}
