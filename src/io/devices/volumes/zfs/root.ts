/**
 * The dataset that FloatLab is given in a zpool. It is made, or found, once; everything else of FloatLab is below it.
 * Its id is how the lab knows the pool again: another pool of this name has another one.
 */
import type { Call } from '../../call.ts';
import { IoError, asIoError } from '../../error.ts';
import type { RunCommand } from '../../run.ts';
import { run as runCommand } from '../../run.ts';
import { deadline } from '../deadline.ts';
import { zfsCommands } from './commands.ts';
import { withHint } from './errors.ts';
import { isRootName, property } from './layout.ts';
import { ownValue } from './parse.ts';

export interface EnsureZfsRootOptions {
  /** For example `tank/floatlab`; what is above it has to be there. */
  readonly root: string;
  /** The id that it gets when it has none: drawn by the caller. */
  readonly id: string;
  readonly run?: RunCommand;
}

/**
 * @returns the id of the pool, which is another one than was given when it has one already
 * @throws IoError INVALID, POOL_MISSING, EXISTS when the dataset holds files that are not FloatLab's
 */
export async function ensureZfsRoot(
  { root, id, run = runCommand }: EnsureZfsRootOptions,
  call: Call,
): Promise<{ id: string }> {
  const op = 'prepare the pool';
  checkRoot(op, root);
  const zfs = zfsCommands(run, root, deadline(call, op, root));
  try {
    const found = (await zfs.get([property.pool, 'canmount', 'type'], [root])).get(root);
    if (!found) {
      // What is mounted below is data of apps: nothing in it is a device or runs with the rights of another user.
      const settings = { canmount: 'off', mountpoint: 'none', devices: 'off', setuid: 'off' };
      try {
        await zfs.create(root, { ...settings, [property.pool]: id });
      } catch (error) {
        const problem = asIoError(error, op, root);
        if (problem.code !== 'MISSING' && problem.code !== 'POOL_MISSING') throw problem;
        throw new IoError('POOL_MISSING', {
          op,
          target: root,
          message: problem.message,
          ...withHint('POOL_MISSING'),
          cause: error,
        });
      }
      return { id };
    }
    const known = ownValue(found, property.pool);
    if (known !== undefined) return { id: known };
    const below = (await zfs.names(root, 1)).length - 1;
    if (found.get('type')?.value !== 'filesystem' || found.get('canmount')?.value !== 'off' || below > 0) {
      throw new IoError('EXISTS', {
        op,
        target: root,
        message: `${root} is there, and FloatLab did not make it`,
        hint: `Give FloatLab a dataset that does not exist yet, or an empty one with canmount=off.`,
      });
    }
    await zfs.set(root, { [property.pool]: id });
    return { id };
  } catch (error) {
    throw asIoError(error, op, root);
  }
}

/** @throws IoError INVALID */
export function checkRoot(op: string, root: string): void {
  if (isRootName(root)) return;
  throw new IoError('INVALID', {
    op,
    target: root,
    message: `${JSON.stringify(root.slice(0, 200))} cannot be the dataset of FloatLab`,
    hint: 'Give a dataset inside a zpool, for example tank/floatlab: at most 44 characters.',
  });
}
