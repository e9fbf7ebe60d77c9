/**
 * Every node has the sealed copy of the lab's keys, so that any of them can be the one that is left. A machine is given
 * it as it joins; one whose copy is missing asks the voters, until one has given it. What is in it never changes.
 */
import type { Logger } from 'pino';
import * as z from 'zod';
import type { Clock, Timer } from '../../devices/clock/port.ts';
import { limited } from '../../lab/limited.ts';
import type { Others } from '../../lab/others.ts';
import { isSealed } from '../../pki/sealed-secrets.ts';
import { keepSealedRecovery, sealedRecovery } from './keys.ts';

export interface SealedParts {
  readonly dataDir: string;
  readonly others: Pick<Others, 'self' | 'reachable' | 'ask' | 'answer'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ids of the nodes that vote, as this one has applied it; two lists while the group changes. */
  electorates(): readonly (readonly string[])[];
}

const lookMs = 10_000;
const askMs = 5000;
const rate = { perSecond: 1, burst: 5 };
const method = 'lab/sealed-keys';
const given = z.strictObject({ sealed: z.base64().max(65_536).nullable() });

/** @returns the way out */
export function keepSealedKeys({ dataDir, others, clock, log, electorates }: SealedParts): () => void {
  const stop = new AbortController();
  const give = async (said: unknown): Promise<z.infer<typeof given>> => {
    z.null().parse(said);
    const sealed = await sealedRecovery(dataDir);
    return { sealed: sealed ? Buffer.from(sealed).toString('base64') : null };
  };
  others.answer(method, limited(rate, clock, give));

  /** @returns whether it is here */
  const look = async (): Promise<boolean> => {
    if (await sealedRecovery(dataDir)) return true;
    for (const other of new Set(electorates().flat())) {
      if (!others.reachable.includes(other)) continue;
      try {
        const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(askMs)]);
        const { sealed } = given.parse(await others.ask(other, method, null, signal));
        const bytes = Buffer.from(sealed ?? '', 'base64');
        if (!isSealed(bytes)) continue;
        await keepSealedRecovery(dataDir, bytes);
        log.info('this node had no sealed copy of the keys of the lab, and has one now');
        return true;
      } catch (error) {
        log.debug({ error: String(error) }, 'the sealed copy of the keys of the lab did not come');
      }
    }
    return false;
  };

  let timer: Timer | undefined;
  const lookAgain = (): void => {
    look()
      .catch((error: unknown) => {
        log.error({ error: String(error) }, 'the sealed copy of the keys of the lab cannot be kept');
        return false;
      })
      .then(
        (isHere) => {
          if (!isHere && !stop.signal.aborted) timer = clock.setTimeout(lookAgain, lookMs);
        },
        () => {},
      );
  };
  lookAgain();
  return () => {
    stop.abort();
    if (timer) clock.clearTimeout(timer);
  };
}
