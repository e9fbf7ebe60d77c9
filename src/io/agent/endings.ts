/**
 * The end of a volume: destroyed, or given back. What stands in its way for now is waited for, and is no failure that a
 * person would have to try again after having removed it: the end is decided, and comes as soon as it can.
 */
import type { Command } from '#actors/commands.ts';
import type { WorkOrder } from '#actors/work.ts';
import type { StreamId } from '#events/envelope.ts';
import type { IoError } from '../devices/error.ts';
import { LogError } from '../log/port.ts';

/**
 * Whether it is tried on: somebody uses its files, holds a snapshot, has a clone or has put something inside, which only
 * who did so can take away; or there is no majority that could say whether the end is still wanted.
 */
export const comesToAnEnd = (error: IoError): boolean => isInTheWay(error) || lacksMajority(error);

/** Nobody could say whether it is still wanted. */
export const lacksMajority = ({ cause }: IoError): boolean => cause instanceof LogError;

/** Something that a person can see and take away. */
export const isInTheWay = ({ code }: IoError): boolean => code === 'HELD' || code === 'BUSY';

/** What the lab is told of it, so that it shows in the volume and as an alert. */
export const heldBy = ({ subject, visit }: WorkOrder, { problem }: IoError): Command => ({
  name: 'report-volume-held',
  input: { volume: subject as StreamId<'volume'>, visit, problem },
});
