/** Each configuration that takes effect overlaps with the one before: no two majorities can decide apart. */
import { problemOf, type Configuration } from '#events/raft/configuration.ts';
import type { PeerId } from '#events/raft/entry.ts';
import type { Member } from '#io/world/consensus/member.ts';
import type { Truth } from '../truth.ts';
import type { Checker } from './checker.ts';

export function checkConfigurations({ complain }: Truth): Checker {
  const before = new WeakMap<Member, { readonly configuration: Configuration; readonly applied: number }>();
  const agreed = new Map<number, string>();
  return {
    stepped: (member) => {
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
