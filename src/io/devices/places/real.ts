/** Paths of this machine. */
import { constants } from 'node:fs';
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { isErrno } from '../errno.ts';
import { asIoError, IoError } from '../error.ts';
import { run as runCommand, type RunCommand } from '../run.ts';
import { mountOf, parseMountinfo } from '../volumes/mounts.ts';
import type { PlacesPort } from './port.ts';

/** Served by other machines, or by several at once. */
const sharedTypes =
  /^(?:nfs4?|cifs|smb3?|smbfs|9p|virtiofs|ceph|glusterfs|fuse\.(?:sshfs|glusterfs|rclone|s3fs|ceph.*|mergerfs-remote)|afs|davfs|gfs2|ocfs2|lustre|beegfs)$/;

export function realPlaces(run: RunCommand = runCommand): PlacesPort {
  return {
    look: (path, call) =>
      orUndefined('look at', path, async () => {
        call.signal.throwIfAborted();
        const real = await realpath(path);
        const facts = await stat(real);
        const mount = mountOf(parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8')), real);
        const fileSystem = mount?.type ?? '';
        return {
          what: facts.isDirectory() ? ('folder' as const) : facts.isFile() ? ('file' as const) : ('other' as const),
          path: real,
          fileSystem,
          isShared: sharedTypes.test(fileSystem),
        };
      }),

    async size(path, call) {
      try {
        const said = await run('du', ['-s', '-x', '-B1', '--', path], { ...call, target: path });
        const bytes = Number.parseInt(said.stdout, 10);
        // What went away while it was counted is no reason to know nothing.
        return Number.isSafeInteger(bytes) ? bytes : undefined;
      } catch (error) {
        if (error instanceof IoError && (error.code === 'TIMED_OUT' || error.code === 'FAILED')) return undefined;
        throw error;
      }
    },

    read: (path, mostBytes, call) =>
      orUndefined('read', path, async () => {
        call.signal.throwIfAborted();
        // A pipe would make us wait for somebody who writes.
        const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
        try {
          const facts = await file.stat();
          if (!facts.isFile()) return undefined;
          if (facts.size > mostBytes)
            throw new IoError('INVALID', {
              op: 'read',
              target: path,
              message: `${path} is larger than what is read of such a file, ${mostBytes} bytes`,
            });
          return { bytes: await file.readFile(), mode: facts.mode & 0o777 };
        } finally {
          await file.close();
        }
      }),

    list: (path, call) =>
      orUndefined('list', path, async () => {
        call.signal.throwIfAborted();
        return (await readdir(path)).toSorted();
      }),
  };
}

async function orUndefined<T>(op: string, path: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    // A socket cannot be opened: it is no file.
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ENXIO')) return undefined;
    throw asIoError(error, op, path);
  }
}
