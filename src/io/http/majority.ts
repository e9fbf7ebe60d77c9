/** Making sure, for one request, that the lab decides and that this node has heard of everything that it decided. */
import { noQuorum } from '../lab/commands.ts';
import { deadline } from './deadline.ts';
import type { Parts, RouteContext } from './parts.ts';

/** A majority answers a leader within moments; who waits longer is cut off from it. */
const withinMs = 5000;

/** What is read after it has everything that anybody was told before. @throws LogError NO_QUORUM */
export async function majorityAnswers({ lab, clock, stopping }: Parts, c: RouteContext): Promise<void> {
  const limit = deadline(clock, withinMs, stopping, c.req.raw.signal);
  try {
    await lab.readIndex?.(limit.signal);
  } catch (error) {
    throw limit.signal.aborted ? noQuorum() : error;
  } finally {
    limit.done();
  }
}
