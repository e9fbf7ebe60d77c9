/**
 * What an empty volume begins with: the content that the image has at its place, as Docker does it for its own volumes,
 * so that a program which is not root finds a folder that it may write to.
 *
 *     <root>/.floatlab-filling/content    being unpacked; after a crash it is thrown away
 *                             /whole      unpacked and on the disk  ◀ the commit point
 *     <root>/…                            its entries, renamed one by one; after a crash the rest follows
 *
 * Everything is in the volume itself, so that a roll-back or a copy of it takes along how far this was. No container
 * that waits for the volume has been started yet, others may run: nothing that they made is written over.
 * What an image rarely has is left out: pipes, devices, extended attributes.
 */
import { constants, type Stats } from 'node:fs';
import { lchown, link, open, rename, symlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';
import { IoError } from '../error.ts';
import { run } from '../run.ts';
import type { Deadline } from '../volumes/deadline.ts';
import { errnoOf, fileError } from './errors.ts';
import type { Folder } from './folder.ts';

const filling = '.floatlab-filling';

type Entry = ReturnType<typeof extract> extends AsyncIterable<infer One> ? One : never;

/** @param content see `FilesPort.fill` */
export async function fillFolder(
  root: Folder,
  content: () => Promise<AsyncIterable<Uint8Array> | undefined>,
  within: Deadline,
): Promise<void> {
  if (!(await isWhole(root))) {
    const others = (await root.names()).filter((name) => name !== filling);
    await root.removeTree(filling);
    if (others.length > 0) return;
    const tar = await content();
    if (!tar || !(await unpack(root, tar, within))) return root.removeTree(filling);
  }
  await moveOut(root, within);
}

const isWhole = async (root: Folder): Promise<boolean> =>
  (await root.look(filling))?.isDirectory() === true &&
  ((await root.below([filling], 'leave', (inner) => inner.look('whole')))?.isDirectory() ?? false);

/** @returns false when the tar is not of a folder */
async function unpack(root: Folder, tar: AsyncIterable<Uint8Array>, within: Deadline): Promise<boolean> {
  await root.makeFolder(filling, 0o700);
  const done = await root.below([filling], 'leave', async (inner) => {
    if (!(await each(inner, tar, within))) return false;
    await syncAll(root, within);
    await inner.rename('content', 'whole');
    await inner.sync();
    return true;
  });
  return done ?? false;
}

/** Unpacks the entries one by one into `content`. @returns false when the first of them is no folder */
async function each(filled: Folder, tar: AsyncIterable<Uint8Array>, within: Deadline): Promise<boolean> {
  const entries = extract();
  const source = Readable.from(tar, { objectMode: false });
  const feeding = pipeline(source, entries);
  let isGivenUp = false;
  const reading = (async () => {
    let base: readonly string[] | undefined;
    for await (const entry of entries) {
      within.check();
      // The folder itself comes first; its name is in front of all others.
      if (!base && entry.header.type !== 'directory') return false;
      base ??= wayIn(entry.header.name, []);
      await place(filled, base, entry);
      // There is no next entry then, and nobody would say so.
      if (isGivenUp) return false;
      entry.resume();
    }
    await feeding;
    return base !== undefined;
  })();
  // Both may fail before anybody looks at them.
  feeding.catch(() => {});
  reading.catch(() => {});
  try {
    return await within.race(reading);
  } finally {
    isGivenUp = true;
    source.destroy();
    entries.destroy();
    // What it was just writing is written: nothing comes after us.
    await reading.catch(() => {});
  }
}

/** @param base the name of the folder that was packed, which is in front of all names */
function wayIn(name: string, base: readonly string[]): readonly string[] {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (!parts.includes('..')) return parts.slice(base.length);
  throw new IoError('INVALID', { op: 'fill', target: name, message: `The tar has an entry that leads out: ${name}.` });
}

async function place(filled: Folder, base: readonly string[], entry: Entry): Promise<void> {
  const contentWay = (path: string): readonly string[] => ['content', ...wayIn(path, base)];
  const way = contentWay(entry.header.name);
  const name = way.at(-1) ?? '';
  const made = await filled.below(way.slice(0, -1), 'leave', async (folder) => {
    try {
      if (entry.header.type === 'link') await linked(filled, contentWay(entry.header.linkname), folder.at(name));
      else await make(folder, name, entry);
    } catch (error) {
      throw fileError('fill', join(folder.path, name), error);
    }
    return true;
  });
  if (made) return;
  const message = `The tar has ${entry.header.name} without its folder.`;
  throw new IoError('FAILED', { op: 'fill', target: filled.path, message });
}

async function make(folder: Folder, name: string, entry: Entry): Promise<void> {
  const { type, linkname, uid, gid } = entry.header;
  switch (type) {
    case 'directory':
      await folder.makeFolder(name, 0o700);
      return owned(await openFolder(folder, name), entry.header);
    case 'file':
    case 'contiguous-file':
      return owned(await folder.create(name, 0o600), entry.header, entry);
    case 'symlink':
      await symlink(linkname, folder.at(name));
      return lchown(folder.at(name), uid, gid);
    default:
      return undefined;
  }
}

async function linked(filled: Folder, to: readonly string[], path: string): Promise<void> {
  await filled.below(to.slice(0, -1), 'leave', (folder) => link(folder.at(to.at(-1) ?? ''), path));
}

const openFolder = (folder: Folder, name: string): Promise<FileHandle> =>
  open(folder.at(name), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);

/** Owner first: changing it takes away the bits that a mode may have. */
async function owned(handle: FileHandle, { uid, gid, mode, mtime }: Header, content?: Entry): Promise<void> {
  try {
    if (content) for await (const chunk of content) await handle.appendFile(chunk as Uint8Array);
    await handle.chown(uid, gid);
    await handle.chmod(mode & 0o7777);
    if (content) await handle.utimes(mtime, mtime);
  } finally {
    await handle.close();
  }
}

async function moveOut(root: Folder, within: Deadline): Promise<void> {
  await root.below([filling], 'leave', async (inner) => {
    const like = await inner.look('whole');
    await inner.below(['whole'], 'leave', async (whole) => {
      for (const name of await whole.names()) {
        within.check();
        await moveUp(whole, root, name);
      }
    });
    if (like) await become(root, like);
  });
  await root.removeTree(filling);
}

/** Unless something has its name there. A rename alone would replace a file that was made in this very moment. */
async function moveUp(whole: Folder, root: Folder, name: string): Promise<void> {
  if (await root.look(name)) return;
  if ((await whole.look(name))?.isDirectory()) return rename(whole.at(name), root.at(name));
  try {
    await link(whole.at(name), root.at(name));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

async function become(root: Folder, { uid, gid, mode }: Stats): Promise<void> {
  const handle = await openFolder(root, '');
  try {
    await handle.chown(uid, gid);
    await handle.chmod(mode & 0o7777);
  } finally {
    await handle.close();
  }
}

/** All of the file system at once: a sync for each of many files would take minutes. */
async function syncAll(root: Folder, within: Deadline): Promise<void> {
  const { exitCode, stderr } = await run('sync', ['--file-system', root.path], within);
  if (exitCode !== 0)
    throw new IoError('FAILED', { op: 'sync', target: root.path, message: `sync of ${root.path} failed: ${stderr}` });
}
