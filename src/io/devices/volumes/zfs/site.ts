/** One volume during one call: what is there, and the hands to change it. */
import { IoError } from '../../error.ts';
import type { Settings } from './commands.ts';
import type { Hands } from './mounting.ts';
import { ensureMounted } from './mounting.ts';
import type { Entry, Volume } from './state.ts';
import { readVolume } from './state.ts';

export interface ZfsPool {
  readonly name: string;
  /** The dataset of FloatLab, for example `tank/floatlab`; see `ensureZfsRoot`. */
  readonly root: string;
  /** An absolute path without a slash at its end: volumes are mounted in folders below it. */
  readonly mountBase: string;
  /** The pool must have it, so that another one of this name is not taken for it. Left out: nobody looks. */
  readonly id?: string;
}

/** Told after each step; tests throw in it to see what a crash there leaves behind. */
export type StepHook = (step: string) => void | Promise<void>;

export interface Site extends Hands {
  readonly pool: ZfsPool;
  readonly poolId: string;
  /** For messages: `pool/name`. */
  readonly target: string;
  readonly step: StepHook;
}

export const reread = ({ zfs, pool, op }: Site, { names }: Volume): Promise<Volume> =>
  readVolume(zfs, pool.root, names.volume, op);

/** Where what is private to the volume is kept. */
export async function ensureHome({ zfs }: Site, { home, names }: Volume, settings: Settings = {}): Promise<void> {
  if (!home) await zfs.create(names.home, { canmount: 'off', mountpoint: 'none', ...settings });
  else if (Object.keys(settings).length > 0) await zfs.set(names.home, settings);
}

interface Top {
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  readonly mode?: number | undefined;
}

/** Owner and mode of the top folder; left as they are where undefined. Only what is different is written. */
export async function giveTop(site: Site, entry: Entry, { owner, mode }: Top): Promise<void> {
  if (owner === undefined && mode === undefined) return;
  const { zfs } = site;
  await ensureMounted(site, entry);
  const has = await zfs.ownerOf(entry.mountpoint);
  const isGiven = owner !== undefined && !(owner.uid === has.uid && owner.gid === has.gid);
  if (isGiven) await zfs.chown(entry.mountpoint, owner);
  // A change of the owner takes bits of the mode away.
  const wanted = mode ?? has.mode;
  if (isGiven || wanted !== has.mode) await zfs.chmod(entry.mountpoint, wanted);
}

/** @throws IoError INVALID: a snapshot would not hold what is in them */
export function refuseChildren({ op }: Pick<Site, 'op'>, dataset: string, children: readonly string[]): void {
  if (children.length === 0) return;
  const shown = children.slice(0, 3).map((child) => child.slice(dataset.length + 1));
  throw new IoError('INVALID', {
    op,
    target: dataset,
    message: `${dataset} has datasets of its own (${shown.join(', ')}): a snapshot cannot hold what is in them`,
    hint: 'Copy what they hold into plain folders and destroy them, or rename them to another place.',
  });
}
