/** A leader's windows and tails stay within their bounds. */
import type { Truth } from '../truth.ts';
import type { Checker } from './checker.ts';
import type { RaftSettings } from '#events/raft/settings.ts';

/** The largest command of a client, and more than that. */
const oneEntryBytes = 512;

export function checkFlow({ complain }: Truth, settings: RaftSettings): Checker {
  return {
    stepped: (member) => {
      const { role, lastIndex } = member.raft.status;
      if (role.name !== 'leader') return;
      for (const [peer, { inflight, match, next, state }] of role.peers) {
        if (inflight.count > settings.maxInflight)
          complain(`${member.id} has ${inflight.count} appends under way to ${peer}`);
        if (inflight.bytes > settings.maxInflightBytes + settings.maxAppendBytes)
          complain(`${member.id} has ${inflight.bytes} bytes under way to ${peer}`);
        if (match >= next) complain(`${member.id} would send ${peer} entry ${next}, which it is known to have`);
        if (match > lastIndex)
          complain(`${member.id} believes that ${peer} has entry ${match}; the last is ${lastIndex}`);
        if (state !== 'replicate' && inflight.count > 0)
          complain(`${member.id} has appends under way while it probes ${peer}`);
      }
      if (role.uncommittedBytes < 0) complain(`${member.id} counts ${role.uncommittedBytes} uncommitted bytes`);
      if (role.uncommittedBytes > settings.maxUncommittedBytes + oneEntryBytes)
        complain(`${member.id} has ${role.uncommittedBytes} uncommitted bytes`);
    },
  };
}
