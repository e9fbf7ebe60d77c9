/** Removes an entry of a folder with all that is in it, without following a link, and never into another file system. */
import { rmdirSync, unlinkSync } from 'node:fs';
import type { OpenFolder } from './open-folder.ts';

interface Level {
  readonly parent: OpenFolder;
  readonly name: Buffer;
  readonly folder: OpenFolder;
  readonly names: Buffer[];
}

/** @param rest called between entries; a promise is waited for @throws the error of the system; EXDEV at a mount */
export async function removeBelow(
  folder: OpenFolder,
  name: Buffer,
  device: bigint,
  rest: () => Promise<void> | undefined,
): Promise<void> {
  if (!folder.look(name)?.isDirectory()) return unlinkSync(folder.at(name));
  const levels: Level[] = [];
  const into = (parent: OpenFolder, entry: Buffer): void => {
    const opened = parent.enter(entry);
    levels.push({ parent, name: entry, folder: opened, names: [] });
    if (opened.stats().dev !== device)
      throw Object.assign(new Error('EXDEV: another file system is mounted there'), { code: 'EXDEV' });
    levels.at(-1)?.names.push(...opened.names());
  };
  try {
    into(folder, name);
    for (let level = levels.at(-1); level; level = levels.at(-1)) {
      const entry = level.names.pop();
      if (entry === undefined) {
        levels.pop();
        level.folder.close();
        rmdirSync(level.parent.at(level.name));
      } else if (level.folder.look(entry)?.isDirectory()) into(level.folder, entry);
      else unlinkSync(level.folder.at(entry));
      const turn = rest();
      if (turn) await turn;
    }
  } finally {
    for (const { folder: left } of levels) left.close();
  }
}
