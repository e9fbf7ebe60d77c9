/** What the log of a group says when it cannot do what it was asked, and what a person does about that. */
import type { PeerId } from '#events/raft/entry.ts';
import type { Refused } from '#events/raft/raft.ts';
import { LogError } from '../../port.ts';
import { nodeOf } from './peer.ts';

export function refusal({ refused, explain }: Refused, leader: PeerId | undefined): LogError {
  if (refused === 'change-impossible')
    return new LogError(
      'REFUSED',
      `the members cannot be changed so: ${explain ?? ''}`,
      'Look at the present members.',
    );
  if (refused === 'too-large')
    return new LogError('REFUSED', 'an entry is too large for the group', 'Split the command into several.');
  return notLeader(leader);
}

export function notLeader(leader: PeerId | undefined): LogError {
  const who = leader === undefined ? 'nobody leads at the moment' : `${nodeOf(leader)} leads`;
  return new LogError('NOT_LEADER', `this member does not lead: ${who}`, 'Ask the leader.');
}

export const noQuorum = (): LogError =>
  new LogError(
    'NO_QUORUM',
    'no majority of the voters answers',
    'Look which nodes are down (floatlab cluster status); the lab goes on as soon as a majority is there again.',
  );

export const unknownOutcome = (): LogError =>
  new LogError('UNKNOWN', 'nobody here knows whether it was appended', 'Ask again with the same command.');

export const broken = (cause: unknown): LogError =>
  new LogError(
    'BROKEN',
    `the event log takes nothing more: ${cause instanceof Error ? cause.message : String(cause)}`,
    'Look at the disk and its free space, then start FloatLab again: it reads what is really there.',
    cause,
  );
