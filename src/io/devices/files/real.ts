import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { insideFolder } from '#events/values/path.ts';
import { IoError } from '../error.ts';
import type { FileToWrite, FilesPort } from './port.ts';

/** What was written last, by path: the SHA-256 of the content. */
const manifestName = '.floatlab-files.json';

export const realFiles: FilesPort = {
  ensure: async (root, { files, folders }) => {
    const manifest = await readManifest(root);
    let isChanged = false;
    for (const folder of folders) await makeFolder(root, folder);
    for (const file of files) {
      const hash = createHash('sha256').update(file.bytes).digest('hex');
      if (manifest[file.path] === hash && (await exists(join(root, file.path)))) continue;
      await makeFolder(root, dirname(file.path));
      await write(root, file);
      manifest[file.path] = hash;
      isChanged = true;
    }
    if (isChanged) {
      await write(root, { path: manifestName, bytes: Buffer.from(JSON.stringify(manifest, null, 1)), mode: 0o600 });
    }
  },
};

async function readManifest(root: string): Promise<Record<string, string>> {
  try {
    return JSON.parse(await readFile(join(root, manifestName), 'utf8')) as Record<string, string>;
  } catch {
    // Missing or damaged: everything is written again.
    return {};
  }
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

/** Step by step, so that no link on the way leads out of the root. */
async function makeFolder(root: string, folder: string): Promise<void> {
  const inside = insideFolder(folder);
  if (inside === undefined) throw outside(root, folder);
  let path = root;
  for (const part of inside === '.' ? [] : inside.split('/')) {
    path = join(path, part);
    await mkdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw fileError('make folder', path, error);
    });
    const found = await lstat(path);
    if (found.isSymbolicLink()) throw outside(root, folder);
    if (!found.isDirectory()) return; // A bind may name a single file that is there already.
  }
}

/** Beside its place first, then renamed: a crash leaves the old file or the new one. */
async function write(root: string, { path, bytes, mode }: FileToWrite): Promise<void> {
  if (insideFolder(path) !== path) throw outside(root, path);
  const target = join(root, path);
  const found = await lstat(target).catch(() => undefined);
  if (found?.isDirectory()) {
    throw new IoError('EXISTS', {
      op: 'write file',
      target,
      message: `${path} is a folder on the volume, and a file beside the compose file.`,
      hint: 'Remove the folder or rename the file.',
    });
  }
  const temporary = `${target}.floatlab-new`;
  try {
    const handle = await open(
      temporary,
      constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
      mode,
    );
    try {
      await handle.writeFile(bytes);
      await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    throw fileError('write file', target, error as NodeJS.ErrnoException);
  }
}

const outside = (root: string, path: string): IoError =>
  new IoError('INVALID', {
    op: 'write file',
    target: path,
    message: `${path} leads out of the app's folder ${root}.`,
    hint: 'Remove the symbolic link on the volume.',
  });

function fileError(op: string, target: string, error: NodeJS.ErrnoException): IoError {
  const about = { op, target, cause: error };
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new IoError('NO_SPACE', {
        ...about,
        message: `${target}: the volume is full.`,
        hint: 'Make the volume larger or free space on it.',
      });
    case 'EROFS':
      return new IoError('READ_ONLY', {
        ...about,
        message: `${target}: the file system is read-only.`,
        hint: 'Look at the pool: it may have met errors.',
      });
    case 'ELOOP':
      return new IoError('INVALID', {
        ...about,
        message: `${target} is a symbolic link.`,
        hint: 'Remove the link on the volume.',
      });
    default:
      return new IoError('FAILED', { ...about, message: `${op} ${target} failed: ${error.message}` });
  }
}
