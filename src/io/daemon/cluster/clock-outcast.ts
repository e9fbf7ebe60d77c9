/**
 * A node whose clock is years from the others': every certificate has run out by one of the clocks, so no link holds, and
 * nobody leads here. It says which clock it is, by what the others show when they are asked.
 */
import { clockWords } from '#events/values/clock.ts';
import { agreedClock } from '../../lab/agreed-clock.ts';
import { dayMs } from '../../pki/ca.ts';
import type { Outcast } from './outcast.ts';

/** Certificates bear less: they are renewed weeks before they run out. */
export const linksBearMs = dayMs;

export interface ClocksShown {
  readonly self: string;
  /** Name of this node. */
  readonly name: string;
  /** Of this machine, ms since 1970. */
  readonly now: number;
  /** Of those who have just answered. */
  readonly clocks: ReadonlyMap<string, number>;
  /** Ids of the nodes that vote, as this one knows it. */
  readonly voters: readonly string[];
  nameOf(node: string): string;
}

/** @returns undefined where the clocks are not why */
export function outcastByClock({ self, name, now, clocks, voters, nameOf }: ClocksShown): Outcast | undefined {
  const voting = new Map([...clocks].filter(([node]) => voters.includes(node)));
  const far = [...voting].filter(([, said]) => Math.abs(said - now) > linksBearMs);
  const [first] = far;
  if (!first) return undefined;
  if (voters.includes(self)) voting.set(self, now);
  const most = agreedClock(voting, voters.length, self);
  if (!most) {
    const [other, said] = first;
    return {
      code: 'CLOCKS_DIFFER',
      message:
        `The clocks of the nodes that vote do not agree: that of ${name} says ${dateOf(now)}, that of ${nameOf(other)} ` +
        `says ${dateOf(said)}. Certificates are not good by both, so no link between them holds.`,
      hint: 'Find out which one is wrong, and set it there (timedatectl set-ntp true): the rest follows by itself.',
    };
  }
  const aheadMs = now - most.now;
  if (Math.abs(aheadMs) <= linksBearMs) return undefined;
  return {
    code: 'CLOCK_WRONG',
    message:
      `The clock of node ${name} is ${clockWords(aheadMs)}: it says ${dateOf(now)}, and ${andList(most.by.map(nameOf))} ` +
      `${most.by.length === 1 ? 'says' : 'say'} ${dateOf(most.now)}. Certificates are not good by both, so no link holds.`,
    hint: 'Set it (timedatectl set-ntp true): then this node takes part again by itself.',
  };
}

const dateOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

const andList = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
