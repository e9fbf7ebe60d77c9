/**
 * The end of a volume: destroyed, or given back. What stands in its way for now is waited for, and is no failure that a
 * person would have to try again after having removed it: the end is decided, and comes as soon as it can.
 */
import type { IoError } from '../devices/error.ts';
import { LogError } from '../log/port.ts';

/**
 * Whether it is tried on: somebody holds a snapshot, has a clone or has put something inside, which only who made it
 * can take away; or there is no majority that could say whether the end is still wanted.
 */
export const comesToAnEnd = ({ code, cause }: IoError): boolean => code === 'HELD' || cause instanceof LogError;
