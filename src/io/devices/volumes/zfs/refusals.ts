/** What a call on a volume asks for and does not find, or finds taken. */
import { IoError } from '../../error.ts';
import type { Site } from './site.ts';
import { listed, type Present, type Snap, type Volume } from './state.ts';

export const isPresent = (volume: Volume): volume is Present => volume.live !== undefined;

/** A snapshot that is there already. @throws IoError EXISTS when the name is taken by another tool's */
export function alreadyTaken(site: Site, volume: Volume, name: string): Snap | undefined {
  const known = listed(volume).find((snap) => snap.name === name);
  if (!known && volume.snaps.some((snap) => snap.name === name && !snap.deferred)) throw taken(site, name);
  return known;
}

/** @throws IoError MISSING */
export function mustHave(site: Site, volume: Volume, name: string): Snap {
  const snap = listed(volume).find((one) => one.name === name);
  if (snap && volume.live) return snap;
  const message = `${site.pool.name}/${volume.names.volume} has no snapshot ${name}`;
  throw new IoError('MISSING', { op: site.op, target: site.target, message });
}

export const missing = ({ op, target }: Site): IoError =>
  new IoError('MISSING', { op, target, message: `there is no dataset ${target}` });

export const taken = ({ op, target }: Site, snapshot: string): IoError =>
  new IoError('EXISTS', { op, target, message: `${target} already has a snapshot ${snapshot}` });

export const unsupported = (op: string, pool: string, what: string, hint?: string): IoError =>
  new IoError('UNSUPPORTED', {
    op,
    target: pool,
    message: `the pool ${pool} ${what}`,
    ...(hint === undefined ? {} : { hint }),
  });
