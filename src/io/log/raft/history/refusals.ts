/** What the history refuses. Nothing was written, and it goes on. */
import { LogError } from '../../port.ts';
import { maxEntryBytes } from './segment.ts';

export const gap = (index: number, next: number): LogError =>
  new LogError(
    'REFUSED',
    `the history ends at entry ${next - 1}: entry ${index} cannot follow`,
    'Append what is between from the consensus log, or begin the history anew from a snapshot.',
  );

export const tooLarge = (index: number, bytes: number): LogError =>
  new LogError(
    'REFUSED',
    `entry ${index} has ${bytes} bytes, the most for the history is ${maxEntryBytes}`,
    'Whole files belong in the blob store.',
  );

export const belowFloor = (index: number, floor: number): LogError =>
  new LogError(
    'BELOW_FLOOR',
    `entry ${index} is below ${floor}, up to where history was dropped`,
    'Read from there on.',
  );

export const pastHead = (index: number, last: number): LogError =>
  new LogError('PAST_HEAD', `entry ${index} is not in the history, which ends at ${last}`, 'Read up to its end.');
