/**
 * Whether what a member has lost is lost for the lab: it votes alone, so that nobody else was needed for what it agreed on.
 *
 * The group counts as it is by the newest entry that is intact, not as it was where the log begins: the founder of a lab
 * began alone. Where the loss goes back to before others came, that entry says so too; but a lab of three nodes has three
 * voters, and the others are known from elsewhere. Then it waits for them, as any suspect does.
 */
import type { MemberStatus } from './protocol.ts';

/** @param others nodes of the lab beside this one, as far as it knows */
export const isAloneWithLoss = (
  { isSuspect, peer, configuration: { voters, outgoing } }: Pick<MemberStatus, 'isSuspect' | 'peer' | 'configuration'>,
  others: number,
): boolean => isSuspect && voters.length === 1 && voters[0] === peer && outgoing.length === 0 && others < 2;
