/**
 * A path of the machine itself, before a container is given it. What is data of the machine may lie where an app writes,
 * so no link is followed on the way there: an app could have put one in place of a folder since, and the engine would
 * follow it. What the system has at a fixed place is often a link by design (`/var/run`, `/etc/localtime`); where that
 * leads is looked at.
 */
import { realpath } from 'node:fs/promises';
import { isWithin } from '#events/values/path.ts';
import { ownRefusal } from '#actors/placement/host-paths.ts';
import { IoError } from '../error.ts';
import { errnoOf } from './errors.ts';
import type { HostPath } from './port.ts';

const op = 'look';

/** @param own folders of FloatLab itself: nothing in them is given away, nor what holds one @throws IoError INVALID */
export function refuseOwn(path: string, own: readonly string[]): void {
  const folder = own.find((one) => isWithin(path, one) || isWithin(one, path));
  if (folder !== undefined) throw new IoError('INVALID', { op, target: path, ...ownRefusal(path, folder) });
}

/** Where a place of the system really is. @throws IoError MISSING */
export async function resolved(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') throw isMissing({ path });
    throw error;
  }
}

export const isMissing = ({ path }: Pick<HostPath, 'path'>): IoError =>
  new IoError('MISSING', {
    op,
    target: path,
    message: `${path} is not there on this machine, and a service mounts it.`,
    hint: 'Make or mount it there, let the app run where it is, or write `create_host_path: true` for a folder that may be made.',
  });

/** @param at the link, which may be a folder above the path */
export const isHostLink = (path: string, at: string): IoError =>
  new IoError('INVALID', {
    op,
    target: path,
    message: `${at} is a symbolic link: on the way to what a container is given none is followed, because it may lead to any file of this machine.`,
    hint: 'Write the path that it leads to into the compose file ("realpath" prints it).',
  });
