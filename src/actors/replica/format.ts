/** By what kind of stream a volume can be kept elsewhere. The one place of the lab that decides it. */

/** As pools name what made them: a plain folder has no streams of its own. */
type Driver = string;

/**
 * Before anything was sent; what the two pools say of themselves decides then: zfs of different ages may not understand
 * each other. File by file goes everywhere, and reads more than it sends.
 * @param from what the volume is on @param to what its replica is on, or would be
 */
export const streamBetween = (from: Driver, to: Driver): 'native' | 'tree' =>
  from === to && (from === 'btrfs' || from === 'zfs') ? 'native' : 'tree';
