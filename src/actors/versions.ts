/**
 * What this version of FloatLab can do, beside others of the same lab. A node publishes it in its facts, so that the
 * lab goes on to something new only when everybody follows.
 */
import type { VersionRange } from '#events/values/peer.ts';

/** How nodes talk to one another. */
export const protocolVersions: VersionRange = { min: 1, max: 1 };

/**
 * The machines that fold events, as a lab agrees on them by `cluster.fold-switched`. Not `foldVersion`
 * (`machines.ts`): that one tells whether states that this node has stored are still good.
 */
export const foldVersions: VersionRange = { min: 1, max: 1 };

/** Whether there is a version that both can. */
export const overlap = (one: VersionRange, other: VersionRange): boolean =>
  one.min <= other.max && other.min <= one.max;

export const isIn = (version: number, { min, max }: VersionRange): boolean => version >= min && version <= max;

/** `3`, or `1 to 3`. */
export const rangeWords = ({ min, max }: VersionRange): string => (min === max ? `${min}` : `${min} to ${max}`);
