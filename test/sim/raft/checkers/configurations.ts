/** Each configuration that takes effect overlaps with the one before: no two majorities can decide apart. */
import { problemOf, type Configuration } from '#events/raft/configuration.ts';
import type { PeerId } from '#events/raft/entry.ts';
import type { Member } from '#io/world/consensus/member.ts';
import type { Truth } from '../truth.ts';
import type { Checker } from './checker.ts';

export function checkConfigurations({ complain }: Truth): Checker {
  const before = new WeakMap<Member, { readonly configuration: Configuration; readonly applied: number }>();
  const agreed = new Map<number, string>();
  /** A leader proposes a change only when all before it are applied. */
  const checkPending = (member: Member): void => {
    const { role, applied, lastIndex, term } = member.raft.status;
    if (role.name !== 'leader') return;
    let earlier = 0;
    for (let index = applied + 1; index <= lastIndex; index++) {
      const entry = member.raft.log.at(index);
      if (entry?.type !== 'change') continue;
      if (entry.term === term && earlier > 0)
        complain(`${member.id} proposes change ${index} before change ${earlier} is applied`);
      earlier = index;
    }
  };
  return {
    leadership: (member, { role }) => {
      const { applied, committed } = member.raft.status;
      if (role !== 'candidate') return;
      for (let index = applied + 1; index <= committed; index++)
        if (member.raft.log.at(index)?.type === 'change')
          complain(`${member.id} campaigns while change ${index} is committed and not applied`);
    },
    stepped: (member) => {
      checkPending(member);
      const { configuration, applied } = member.raft.status;
      const last = before.get(member);
      // While a snapshot is installed the configuration is ahead of what is applied.
      if (last?.configuration === configuration || member.raft.log.installing) return;
      before.set(member, { configuration, applied });
      if (configuration.voters.length === 0) return;
      const problem = problemOf(configuration);
      if (problem !== undefined) complain(`${member.id} is in an impossible configuration: ${problem}`);
      // A snapshot may skip several configurations; one applied slice may hold more than one change.
      if (last && applied === last.applied + 1 && !overlap(last.configuration, configuration))
        complain(`${member.id} changes to a configuration that could decide without the one before`);
      const text = JSON.stringify(configuration);
      if (agreed.has(applied) && agreed.get(applied) !== text)
        complain(`${member.id} has another configuration at entry ${applied} than others`);
      agreed.set(applied, text);
    },
  };
}

/** Whether every majority of one shares a voter with every majority of the other; small groups, so all are tried. */
function overlap(one: Configuration, other: Configuration): boolean {
  const everybody = [...new Set([...one.voters, ...one.outgoing, ...other.voters, ...other.outgoing])];
  for (let set = 0; set < 1 << everybody.length; set++) {
    const agrees = (peer: PeerId): boolean => ((set >> everybody.indexOf(peer)) & 1) === 1;
    if (decides(one, agrees) && decides(other, (peer) => !agrees(peer))) return false;
  }
  return true;
}

const decides = ({ voters, outgoing }: Configuration, agrees: (peer: PeerId) => boolean): boolean =>
  [voters, outgoing].every((half) => half.length === 0 || half.filter(agrees).length > half.length / 2);
