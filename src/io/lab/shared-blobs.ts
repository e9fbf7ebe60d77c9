/**
 * The blobs of a lab on several nodes: beside the log, and as safe as it. What is put is on a majority of the voters
 * before anything refers to it; what is not here is fetched from whoever has it, and checked by its address.
 *
 *   put ─▶ here ─▶ "keep this" to the voters, who fetch it ─ majority ─▶ done
 *   get ─▶ here ─ not, or damaged ─▶ from one node after another ─▶ kept here
 *   and whoever comes, or votes from now on, looks through what the others have, and keeps it, too
 */
import type { Logger } from 'pino';
import * as z from 'zod';
import { blobRef } from '#events/values/metadata.ts';
import type { Clock, Timer } from '../devices/clock/port.ts';
import { LogError } from '../log/port.ts';
import { StoreError } from '../stores/port.ts';
import { maxBlobBytes, type BlobRef, type BlobStore } from '../stores/blobs.ts';
import { limited } from './limited.ts';
import type { Others } from './others.ts';

export interface SharedBlobsParts {
  readonly local: BlobStore;
  readonly others: Others;
  readonly clock: Clock;
  /**
   * Nodes whose word counts for a majority, this one perhaps among them. While the group changes from some voters to
   * others there are two lists, and a majority of each is needed, as for an entry: else what the old ones agreed on
   * could be gone with the new ones, or the other way round.
   */
  electorates(): readonly (readonly string[])[];
}

const keepMs = 30_000;
const fetchMs = 60_000;
const asked = z.object({ ref: blobRef });
/** Each looks through them when a link comes up, and every few minutes. */
const listRate = { perSecond: 1, burst: 20 };
/** As many as commands bring. */
const keepRate = { perSecond: 200, burst: 1000 };
/** Of what another node has; more than any lab. */
const refs = z.array(blobRef).max(1_000_000);

/** What the lab's blobs need while it runs. */
export interface SharedBlobs extends BlobStore {
  /** Fetches whatever the others have and this node has not. @returns how many came */
  sweep(signal: AbortSignal): Promise<number>;
}

export function sharedBlobs({ local, others, clock, electorates }: SharedBlobsParts): SharedBlobs {
  const list = async (said: unknown): Promise<readonly BlobRef[]> => {
    z.null().parse(said);
    return local.list();
  };
  const keep = async (said: unknown, from: string): Promise<null> => {
    const { ref } = asked.parse(said);
    if (!(await isHere(local, ref))) await fetchFrom(from, ref, AbortSignal.timeout(fetchMs));
    return null;
  };
  others.offerBytes('blob', async (params) => local.get(asked.parse(params).ref));
  others.answer('blob/list', limited(listRate, clock, list));
  others.answer('blob/keep', limited(keepRate, clock, keep));

  const fetchFrom = async (node: string, ref: BlobRef, signal: AbortSignal): Promise<Uint8Array> => {
    const told = await others.readBytes(node, 'blob', { ref }, { signal, maxBytes: maxBlobBytes });
    const bytes = new Uint8Array(told);
    if (local.address(bytes) !== ref) throw wrong(node, ref);
    await local.put(bytes);
    return bytes;
  };

  const fetch = async (ref: BlobRef, missing: StoreError): Promise<Uint8Array> => {
    const voting = electorates().flat();
    const nodes = [...others.reachable].toSorted((a, b) => Number(voting.includes(b)) - Number(voting.includes(a)));
    for (const node of nodes) {
      try {
        return await fetchFrom(node, ref, AbortSignal.timeout(fetchMs));
      } catch (error) {
        // The next one may have it; what fails here, on this disk, fails for good.
        if (error instanceof StoreError && error.code === 'FAILED') throw error;
      }
    }
    throw missing;
  };

  const sweep = async (signal: AbortSignal): Promise<number> => {
    let fetched = 0;
    for (const node of others.reachable) {
      const have = new Set(await local.list());
      const listed = await others.ask(node, 'blob/list', null, signal).catch(() => []);
      // One that sends something else has nothing to give; the others may.
      for (const ref of refs.safeParse(listed).data ?? []) {
        if (signal.aborted) return fetched;
        if (have.has(ref)) continue;
        try {
          await fetchFrom(node, ref, signal);
          fetched += 1;
        } catch (error) {
          if (error instanceof StoreError && error.code === 'FAILED') throw error;
        }
      }
    }
    return fetched;
  };

  return {
    sweep,
    address: (bytes) => local.address(bytes),
    list: () => local.list(),
    has: (ref) => local.has(ref),
    get: async (ref) => {
      try {
        return await local.get(ref);
      } catch (error) {
        if (error instanceof StoreError && error.code !== 'FAILED') return fetch(ref, error);
        throw error;
      }
    },
    put: async (bytes) => {
      const ref = await local.put(bytes);
      await kept(ref, others, electorates());
      return ref;
    },
  };
}

const sweepEveryMs = 5 * 60_000;

/** Looks through what the others have, when one comes and every few minutes. @returns the way out */
export function keepSwept({
  blobs,
  others,
  clock,
  log,
}: {
  readonly blobs: SharedBlobs;
  readonly others: Others;
  readonly clock: Clock;
  readonly log: Logger;
}): () => void {
  const stop = new AbortController();
  let sweeping: Promise<void> = Promise.resolve();
  let timer: Timer | undefined;
  const look = (): void => {
    sweeping = sweeping.then(async () => {
      if (stop.signal.aborted) return;
      try {
        const fetched = await blobs.sweep(stop.signal);
        if (fetched > 0) log.info({ fetched }, 'files of the lab were fetched from other nodes');
      } catch (error) {
        if (!stop.signal.aborted) log.warn({ error: String(error) }, 'files of the lab could not be fetched');
      }
    });
  };
  const again = (): void => {
    timer = clock.setTimeout(() => {
      look();
      again();
    }, sweepEveryMs);
  };
  const unlisten = others.onChange((_, isUp) => {
    if (isUp) look();
  });
  look();
  again();
  return () => {
    stop.abort();
    unlisten();
    if (timer) clock.clearTimeout(timer);
  };
}

/** Resolves when a majority of the voters has it, this node included. @throws LogError NO_QUORUM */
async function kept(ref: BlobRef, others: Others, electorates: readonly (readonly string[])[]): Promise<void> {
  const have = new Set([others.self]);
  const lost = new Set<string>();
  const rest = [...new Set(electorates.flat())].filter((node) => node !== others.self);
  const ask = (node: string): Promise<unknown> => others.ask(node, 'blob/keep', { ref }, AbortSignal.timeout(keepMs));
  if (electorates.every((voters) => isMajority(voters, (node) => have.has(node)))) {
    // The others get it all the same; nobody waits for them.
    for (const node of rest) ask(node).catch(() => {});
    return;
  }
  await new Promise<void>((resolve, reject) => {
    const count = (): void => {
      if (electorates.every((voters) => isMajority(voters, (node) => have.has(node)))) return resolve();
      const hopeless = electorates.find((voters) => !isMajority(voters, (node) => !lost.has(node)));
      if (hopeless) reject(tooFew(hopeless.filter((node) => have.has(node)).length, hopeless.length));
    };
    count();
    for (const node of rest) {
      ask(node).then(
        () => {
          have.add(node);
          count();
        },
        () => {
          lost.add(node);
          count();
        },
      );
    }
  });
}

const isMajority = (voters: readonly string[], isCounted: (node: string) => boolean): boolean =>
  voters.filter(isCounted).length > voters.length / 2;

async function isHere(local: BlobStore, ref: BlobRef): Promise<boolean> {
  try {
    await local.get(ref);
    return true;
  } catch (error) {
    if (error instanceof StoreError && error.code !== 'FAILED') return false;
    throw error;
  }
}

const wrong = (node: string, ref: BlobRef): Error => new Error(`what node ${node} sent is not blob ${ref}`);

const tooFew = (have: number, voters: number): LogError =>
  new LogError(
    'NO_QUORUM',
    `only ${have} of ${voters} voters could keep the files of this command: nothing was appended`,
    'Look which nodes are down: floatlab cluster status.',
  );
