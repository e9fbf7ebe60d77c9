/** What is said of a node that knows no leader: all that it shows is what it knew last. */
import type { RestClient } from '#ui/client/rest.ts';
import { momentWords } from './output/words.ts';

export interface Leaderless {
  readonly what: string;
  readonly hint: string;
}

/** After that only what is known anyway is said. */
const patienceMs = 3000;

/** @returns undefined when it knows one again */
export async function leaderlessOf(rest: RestClient, interrupt: AbortSignal): Promise<Leaderless | undefined> {
  const signal = AbortSignal.any([interrupt, AbortSignal.timeout(patienceMs)]);
  const status = await rest.clusterStatus({ signal }).catch(() => undefined);
  if (status && (status.leader !== undefined || (status.simulated !== undefined && status.hasQuorum))) return undefined;
  const since = status?.leaderlessSince === undefined ? undefined : momentWords(status.leaderlessSince);
  if (status?.outcast) {
    const { message, hint } = status.outcast;
    return { what: since === undefined ? message : `${message} It has had no leader since ${since}.`, hint };
  }
  const sinceWords = since === undefined ? '' : ` since ${since}`;
  return {
    what: `This node has no leader${sinceWords}: no majority of the voters answers it, and nothing can be changed here.`,
    hint: 'See: floatlab cluster status',
  };
}
