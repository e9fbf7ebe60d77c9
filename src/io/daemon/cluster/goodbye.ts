/**
 * A daemon that is ended on purpose says so, and does not leave the others to find out: the history notes that its node
 * stopped, and a leader lets somebody else lead first. So nobody waits for a silence to be long enough, neither the lab
 * for its next leader nor a person for the reason.
 *
 * It is a courtesy: where nobody answers, the daemon ends all the same, and is found to be down.
 */
import type { Logger } from 'pino';
import { isAway, membersOf } from '#actors/node/known.ts';
import { streamOf } from '#events/envelope.ts';
import { sleep, type Clock } from '../../devices/clock/port.ts';
import type { Random } from '../../devices/random/port.ts';
import type { RunningLab } from '../../lab/running.ts';
import type { MemberStatus } from '../../log/raft/member/protocol.ts';
import { heirsOf } from './heir.ts';

export interface GoodbyeParts {
  readonly node: string;
  readonly lab: Pick<RunningLab, 'view' | 'leadership' | 'run'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  status(): MemberStatus | undefined;
  /** Asks this node to lead. @throws where this one does not */
  passOn(to: string): void;
}

const patienceMs = 1000;
const lookAgainMs = 5;

/** Of a node that has ended its heartbeats: the next one would say that it is back. Never rejects. */
export async function sayGoodbye(parts: GoodbyeParts): Promise<void> {
  const { lab, node, log } = parts;
  const stream = streamOf('node', node);
  const isAlone = membersOf(lab.view).every((member) => member.stream === stream || isAway(member));
  const hasLeader = lab.leadership?.mine === true || lab.leadership?.leader !== undefined;
  if (isAlone || !hasLeader) return;
  try {
    await tell(parts);
    await handOver(parts);
  } catch (error) {
    log.info({ error: String(error) }, 'this node ends without a goodbye');
  }
}

async function tell({ lab, node, random }: GoodbyeParts): Promise<void> {
  const stream = streamOf('node', node);
  const request = {
    id: random.id(),
    name: 'report-node-stopped',
    input: { node: stream },
    by: stream,
  };
  await lab.run(request, AbortSignal.timeout(patienceMs));
}

/** Whoever runs apps leads better than a witness, which would hand leadership on. */
async function handOver({ lab, clock, log, status, passOn }: GoodbyeParts): Promise<void> {
  const now = status();
  const heirs = now ? heirsOf(now) : [];
  const isWitness = (heir: string): boolean => lab.view.get(streamOf('node', heir))?.context.role === 'witness';
  const heir = heirs.find((one) => !isWitness(one)) ?? heirs[0];
  if (heir === undefined) return;
  log.info({ to: heir }, 'this node ends, and hands leadership on');
  passOn(heir);
  const until = clock.monotonicMs() + patienceMs;
  while (status()?.role === 'leader' && clock.monotonicMs() < until) {
    await sleep(clock, lookAgainMs, new AbortController().signal);
  }
}
