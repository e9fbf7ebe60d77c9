/**
 * The key of the lab's authority is on every voter, so that the loss of one machine does not lose it, and nowhere else: a
 * node that votes asks the others for it; one that votes no longer removes it, once a majority of those who vote now
 * have shown that they have it; and one that is out of the lab removes it as soon as it knows.
 *
 *            votes ── has none ──▶ asks the others, voters first ─▶ kept
 *     does not vote ── has it ──▶ do the voters have it? ── yes ─▶ removed
 *    is out of the lab ── has it ────────────────────────────────▶ removed
 */
import { X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import * as z from 'zod';
import type { Clock, Timer } from '../../devices/clock/port.ts';
import { limited } from '../../lab/limited.ts';
import type { Others } from '../../lab/others.ts';
import { keySha256 } from '../../pki/node-identity.ts';
import { authorityOf, keepAuthorityKey, removeAuthorityKey } from './keys.ts';

export interface AuthorityParts {
  readonly dataDir: string;
  readonly others: Others;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ids of the nodes that vote, as this one has applied it; two lists while the group changes. */
  electorates(): readonly (readonly string[])[];
  /** The lab has gone on without this node: it left, or was removed or replaced. */
  isOut(): Promise<boolean>;
  /** The key came, or is gone. */
  onChange(): void;
}

const lookMs = 2000;
const askMs = 5000;
/** Each looks every two seconds. */
const rate = { perSecond: 2, burst: 20 };
const given = z.strictObject({ key: z.string().max(16_384) });
const shown = z.strictObject({ authority: z.string().max(128).nullable() });

/** @returns the way out */
export function keepAuthority(parts: AuthorityParts): () => void {
  const { dataDir, others, clock, log, electorates } = parts;
  const stop = new AbortController();
  const votes = (node: string): boolean => electorates().some((voters) => voters.includes(node));
  const within = (): AbortSignal => AbortSignal.any([stop.signal, AbortSignal.timeout(askMs)]);
  /** As it was found; read once, for nobody else changes it. */
  let holds: boolean | undefined;

  const give = async (said: unknown, from: string): Promise<z.infer<typeof given>> => {
    z.null().parse(said);
    const authority = await authorityOf(dataDir);
    if (authority && votes(from)) return { key: authority.key };
    throw Object.assign(new Error('only voters have the key of the authority'), { code: 'FORBIDDEN' });
  };
  const show = async (said: unknown): Promise<z.infer<typeof shown>> => {
    z.null().parse(said);
    const authority = await authorityOf(dataDir);
    return { authority: authority ? nameOf(authority.cert) : null };
  };
  others.answer('lab/authority', limited(rate, clock, give));
  others.answer('lab/authority-held', limited(rate, clock, show));

  const fetch = async (): Promise<boolean> => {
    // Also those without a vote: who has just given its vote to this node may be the only one that has the key.
    for (const other of new Set([...electorates().flat(), ...others.reachable])) {
      if (!others.reachable.includes(other)) continue;
      try {
        const { key } = given.parse(await others.ask(other, 'lab/authority', null, within()));
        await keepAuthorityKey(dataDir, key);
        log.info('this node votes, and has the key of the authority');
        return true;
      } catch (error) {
        log.debug({ error: String(error) }, 'the key of the authority did not come');
      }
    }
    return false;
  };

  const isHeldElsewhere = async (): Promise<boolean> => {
    const mine = (await authorityOf(dataDir))?.cert;
    if (mine === undefined) return true;
    const asked = [...new Set(electorates().flat())].map(async (node) => {
      const said = await others.ask(node, 'lab/authority-held', null, within()).catch(() => undefined);
      return shown.safeParse(said).data?.authority === nameOf(mine) ? [node] : [];
    });
    const holders = new Set((await Promise.all(asked)).flat());
    const hasMajority = (voters: readonly string[]): boolean =>
      voters.filter((node) => holders.has(node)).length > voters.length / 2;
    return electorates().every(hasMajority);
  };

  const look = async (): Promise<void> => {
    holds ??= (await authorityOf(dataDir)) !== undefined;
    const isOut = holds && (await parts.isOut());
    const isWanted = votes(others.self) && !isOut;
    if (isWanted === holds) return;
    if (isWanted) {
      if (!(await fetch())) return;
    } else {
      if (!isOut && !(await isHeldElsewhere())) return;
      // It may vote again meanwhile.
      if (stop.signal.aborted || (!isOut && votes(others.self))) return;
      await removeAuthorityKey(dataDir);
      log.info(
        isOut
          ? 'this node is out of the lab: the key of the authority was removed from it'
          : 'this node votes no longer: the key of the authority was removed from it, and is on the voters',
      );
    }
    holds = isWanted;
    parts.onChange();
  };

  let timer: Timer | undefined;
  const wait = (): void => {
    timer = clock.setTimeout(() => {
      look().then(
        () => {
          if (!stop.signal.aborted) wait();
        },
        (error: unknown) => {
          log.error({ error: String(error) }, 'the key of the authority cannot be kept, or removed');
          holds = undefined;
          if (!stop.signal.aborted) wait();
        },
      );
    }, lookMs);
  };
  wait();
  return () => {
    stop.abort();
    if (timer) clock.clearTimeout(timer);
  };
}

/** By its key: the certificate is another one after ten years. */
const nameOf = (cert: string): string => keySha256(new X509Certificate(cert));
