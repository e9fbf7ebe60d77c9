/**
 * Who uses a folder: a mount of it, or of something in it, in any mount namespace. That is how a container that runs
 * shows. File systems would rename or delete what a container has mounted without a word.
 */
import { readFile, readdir, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { IoError } from '../error.ts';
import type { Mount } from './mounts.ts';
import { isInside, parseMountinfo } from './mounts.ts';
import type { Deadline } from './deadline.ts';

/**
 * @param device identity of the file system in this kernel, as in the table of mounts
 * @param folders from the top of the file system, with a leading slash
 * @param own where a whole file system has its usual place: being mounted there is no use of it
 * @returns by folder, of those in use: for example `process 4711 (postgres) at /var/lib/data`
 */
async function usersOf(
  { device }: Pick<Mount, 'device'>,
  folders: readonly string[],
  own?: string,
): Promise<ReadonlyMap<string, string>> {
  const users = new Map<string, string>();
  const seen = new Set<string>();
  for (const process of await readdir('/proc')) {
    if (!/^\d+$/.test(process)) continue;
    try {
      const namespace = await readlink(`/proc/${process}/ns/mnt`);
      if (seen.has(namespace)) continue;
      const mounts = parseMountinfo(await readFile(`/proc/${process}/mountinfo`, 'utf8'));
      seen.add(namespace);
      for (const mount of mounts) {
        if (mount.device !== device || mount.point === own) continue;
        for (const folder of folders.filter((one) => !users.has(one) && isInside(mount.root, one))) {
          const command = (await readFile(`/proc/${process}/comm`, 'utf8')).trim();
          users.set(folder, `process ${process} (${command}) at ${mount.point}`);
        }
      }
    } catch {
      // The process ended while we looked.
    }
  }
  return users;
}

/** A container that starts holds every mount of the host for a moment, until its root is its own. */
const settleMs = 200;
const looks = 6;

/** Like `usersOf`, once it has waited a moment for users that are about to go. */
export async function stillUsed(
  mount: Pick<Mount, 'device'>,
  folders: readonly string[],
  within: Deadline,
  own?: string,
): Promise<ReadonlyMap<string, string>> {
  let users = await usersOf(mount, folders, own);
  for (let look = 1; users.size > 0 && look < looks; look++) {
    await within.race(delay(settleMs));
    users = await usersOf(mount, folders, own);
  }
  return users;
}

/**
 * Waits a moment for users that are about to go.
 * @param path the same folder, for the message
 * @throws IoError BUSY
 */
export async function refuseInUse(
  mount: Pick<Mount, 'device'>,
  folder: string,
  how: { readonly op: string; readonly path: string; readonly within: Deadline; readonly own?: string },
): Promise<void> {
  const { op, path, within, own } = how;
  const user = (await stillUsed(mount, [folder], within, own)).get(folder);
  if (user !== undefined) throw inUse(op, path, user);
}

export function inUse(op: string, path: string, user: string): IoError {
  const message = `${path} is in use by ${user}`;
  return new IoError('BUSY', { op, target: path, message, hint: 'Stop the app that uses it, then try again.' });
}
