/** Time passes, for a follower that waits for its leader and for a leader that must be heard (§5.2). */
import { campaign } from './election.ts';
import { hearsMajority } from './leader.ts';
import { broadcastHeartbeat } from './replication.ts';
import type { Core, Leader } from './state.ts';
import { becomeFollower } from './transitions.ts';

export function tick(core: Core): void {
  core.outbox.tick();
  for (const request of core.asked.tick(core.settings.electionTicks))
    core.outbox.refusedReads.push({ request, why: 'unanswered' });
  core.electionElapsed++;
  if (core.role.name === 'leader') tickLeader(core, core.role);
  else if (core.electionElapsed >= core.electionTimeout) {
    campaign(core);
    // Who may not campaign goes on counting: it must not go on protecting a leader that it does not hear. Nor does it
    // name it any longer: a learner that is cut off, or was removed, would say for ever who led once.
    if (core.role.name === 'follower') core.role.leader = undefined;
  }
}

function tickLeader(core: Core, leader: Leader): void {
  const { electionTicks, heartbeatTicks, checkQuorum } = core.settings;
  // It could go on sending heartbeats for ever while nothing that it is asked for gets done.
  if (core.outbox.stalledTicks > electionTicks) return becomeFollower(core, core.term, undefined);
  if (core.electionElapsed >= electionTicks) {
    core.electionElapsed = 0;
    leader.transferTo = undefined;
    if (checkQuorum && !hearsMajority(core, leader)) return becomeFollower(core, core.term, undefined);
  }
  if (++leader.heartbeatElapsed >= heartbeatTicks) broadcastHeartbeat(core, leader);
}
