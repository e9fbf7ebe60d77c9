/**
 * The replicated state: equal at equal index on all members, however they got there (entry by entry, or by a snapshot);
 * entries are applied in order without a gap; a command takes effect once.
 */
import type { PeerId } from '#events/raft/entry.ts';
import type { Member } from '#io/world/consensus/member.ts';
import type { Truth } from '../truth.ts';
import type { Checker } from './checker.ts';

export function checkStates({ complain }: Truth): Checker {
  const hashes = new Map<number, { readonly hash: number; readonly of: PeerId }>();
  const positions = new WeakMap<Member, number>();
  const effects = new Map<string, number>();

  const compare = (member: Member, index: number): void => {
    const { hash } = member.registers;
    const other = hashes.get(index);
    if (!other) hashes.set(index, { hash, of: member.id });
    else if (other.hash !== hash) complain(`${member.id} and ${other.of} differ in their state at entry ${index}`);
    positions.set(member, index);
  };

  return {
    applied: (member, entries) => {
      const first = entries[0];
      const last = entries.at(-1);
      if (!first || !last) return;
      const before = positions.get(member);
      if (before !== undefined && first.index !== before + 1)
        complain(`${member.id} applies entry ${first.index} after entry ${before}`);
      compare(member, last.index);
    },
    installed: (member, meta) => compare(member, meta.index),
    effect: (_, index, { client, sequence }) => {
      const key = `${client}/${sequence}`;
      const before = effects.get(key);
      if (before !== undefined && before !== index)
        complain(`command ${key} takes effect at entry ${index}, after it did at ${before}`);
      effects.set(key, index);
    },
  };
}
