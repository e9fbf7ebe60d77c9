/**
 * Who works in a repository. No lock keeps anybody out of writing: writers go side by side, and beside a prune. A lock
 * says that somebody is at work, so that a prune waits with deleting what a writer may rely on.
 *
 *   locks/<holder>.<n>       sealed {kind, by, avoids, since}; renewed by putting n+1 and then deleting n
 *   locks/<holder>.broken    a prune gave the holder up: whatever it does from now on does not count
 *
 * Ages are told by the clock of the store alone: the age of a lock is its time against that of a lock that was put just
 * now. So no clock of any machine matters.
 *
 * What a backup relies on, and why it is safe beside a prune that holds the writer for dead though it only slept:
 *
 *   writer   … put the manifest, then look for `broken`, then acknowledge
 *   prune    put `broken`, then read the manifests, then delete what none of them needs
 *
 * Either the writer finds `broken` and takes its manifest back, or the prune has seen the manifest.
 */
import * as z from 'zod';
import type { Clock } from '../clock/port.ts';
import type { IoError } from '../error.ts';
import type { Random } from '../random/port.ts';
import type { RepositoryKeys } from './format/keys.ts';
import { json } from './format/manifest.ts';
import { openObject, sealObject } from './format/seal.ts';
import { storeError, type ObjectStore, type StoredObject } from './store/port.ts';

const content = z.strictObject({
  kind: z.enum(['write', 'prune']),
  /** For people: who, and what for. */
  by: z.string().max(200),
  /** Ids of the marks that the holder knows: it relies on nothing that they name. */
  avoids: z.array(z.string().max(64)).max(10_000),
  /** When the holder began, by the clock of the store; not in its first lock. */
  since: z.int().min(0).optional(),
});
type Content = z.infer<typeof content>;

const maxLockBytes = 1024 * 1024;
const nameOf = /^locks\/([a-z0-9]{1,40})\.(\d{1,9}|broken)$/;

export interface Holder {
  readonly id: string;
  readonly kind: Content['kind'] | 'unreadable';
  readonly by: string;
  readonly avoids: readonly string[];
  /** By the clock of the store. */
  readonly since: number;
  /** Since it was put or renewed, by the clock of the store. */
  readonly ageMs: number;
  readonly isBroken: boolean;
}

export interface LockOptions {
  readonly store: ObjectStore;
  readonly keys: RepositoryKeys;
  readonly clock: Clock;
  readonly random: Random;
  readonly by: string;
  /** A holder that has not renewed for this long may be given up. */
  readonly leaseMs: number;
}

export class Lock {
  readonly #options: LockOptions;
  readonly #kind: Content['kind'];
  readonly id: string;
  #n = 0;
  #avoids: readonly string[] = [];
  #latest: StoredObject | undefined;
  #since: number | undefined;
  #isEnding = false;
  #stopTimer = (): void => undefined;
  #renewing: Promise<void> = Promise.resolve();

  private constructor(options: LockOptions, kind: Content['kind']) {
    this.#options = options;
    this.#kind = kind;
    this.id = options.random.id();
  }

  /** @throws IoError of the store */
  static async take(options: LockOptions, kind: Content['kind'], signal: AbortSignal): Promise<Lock> {
    const lock = new Lock(options, kind);
    await lock.#put(signal);
    lock.#schedule();
    return lock;
  }

  /** From now on nothing is relied on that these marks name. */
  async avoid(marks: readonly string[], signal: AbortSignal): Promise<void> {
    this.#avoids = marks;
    await this.renew(signal);
  }

  async renew(signal: AbortSignal): Promise<void> {
    const { store } = this.#options;
    const before = this.#latest;
    this.#n += 1;
    await this.#put(signal);
    if (before) await store.delete(before.key, signal);
  }

  /** The others, and this one, with their ages. Renews this one first: its time is now. */
  async holders(signal: AbortSignal): Promise<readonly Holder[]> {
    return readHolders(this.#options, await this.storeNow(signal), signal);
  }

  /** What the clock of the store shows. */
  async storeNow(signal: AbortSignal): Promise<number> {
    await this.renew(signal);
    return this.#latest?.modifiedAt ?? 0;
  }

  /** @throws IoError FENCED when somebody gave this holder up */
  async checkUnbroken(signal: AbortSignal): Promise<void> {
    if ((await this.#options.store.head(brokenKey(this.id), signal)) !== undefined) throw givenUp(this.#options.store);
  }

  async release(signal: AbortSignal): Promise<void> {
    this.#isEnding = true;
    this.#stopTimer();
    await this.#renewing;
    for await (const { key } of this.#options.store.list('locks/', signal))
      if (nameOf.exec(key)?.[1] === this.id) await this.#options.store.delete(key, signal);
  }

  async #put(signal: AbortSignal): Promise<void> {
    const { store, keys, by } = this.#options;
    const key = `locks/${this.id}.${this.#n}`;
    const since = this.#since === undefined ? {} : { since: this.#since };
    const value: Content = { kind: this.#kind, by: by.slice(0, 200), avoids: [...this.#avoids], ...since };
    await store.put(key, sealObject(keys, 'FLABLOCK', Buffer.from(JSON.stringify(value))), signal);
    const put = await store.head(key, signal);
    if (!put) throw storeError('DAMAGED', 'put', key, `${store.where} said that it stored ${key}, and did not`);
    this.#latest = put;
    this.#since ??= put.modifiedAt;
  }

  /** A renewal that fails is tried again with the next; whether the lock lasted is asked at the end. */
  #schedule(): void {
    const { clock, leaseMs } = this.#options;
    const timer = clock.setTimeout(() => {
      this.#renewing = this.renew(new AbortController().signal)
        .catch(() => undefined)
        .finally(() => {
          if (!this.#isEnding) this.#schedule();
        });
    }, leaseMs / 4);
    this.#stopTimer = () => clock.clearTimeout(timer);
  }
}

/** Gives a holder up: from here on it acknowledges nothing. */
export async function breakLock({ store }: LockOptions, id: string, signal: AbortSignal): Promise<void> {
  await store.put(brokenKey(id), Buffer.from('given up\n'), signal);
  for await (const { key } of store.list('locks/', signal))
    if (nameOf.exec(key)?.[1] === id && key !== brokenKey(id)) await store.delete(key, signal);
}

async function readHolders({ store, keys }: LockOptions, now: number, signal: AbortSignal): Promise<readonly Holder[]> {
  const latest = new Map<string, { object: StoredObject; n: number }>();
  const broken = new Set<string>();
  for await (const object of store.list('locks/', signal)) {
    const [, id, n] = nameOf.exec(object.key) ?? [];
    if (id === undefined || n === undefined) continue;
    if (n === 'broken') broken.add(id);
    else if (Number(n) >= (latest.get(id)?.n ?? 0)) latest.set(id, { object, n: Number(n) });
  }
  const holders: Holder[] = [];
  for (const [id, { object }] of latest) {
    const value = await readLock(store, keys, object, signal);
    // Released, or renewed under another name, between the two looks: it counts as what it was at worst.
    const { kind, by, avoids, since = object.modifiedAt } = value ?? { ...unreadable, since: 0 };
    holders.push({ id, kind, by, avoids, since, ageMs: now - object.modifiedAt, isBroken: broken.has(id) });
  }
  return holders;
}

const unreadable = { kind: 'unreadable', by: 'somebody', avoids: [] } as const;

async function readLock(
  store: ObjectStore,
  keys: RepositoryKeys,
  { key }: StoredObject,
  signal: AbortSignal,
): Promise<Content | undefined> {
  try {
    const object = await store.get(key, signal, { from: 0, to: maxLockBytes });
    return content.safeParse(json(openObject(keys, 'FLABLOCK', key, object))).data;
  } catch (error) {
    if (isCode(error, 'MISSING', 'DAMAGED')) return undefined;
    throw error;
  }
}

const isCode = (error: unknown, ...codes: readonly IoError['code'][]): boolean =>
  error instanceof Error && 'code' in error && codes.some((code) => code === error.code);

const brokenKey = (id: string): string => `locks/${id}.broken`;

const givenUp = ({ where }: ObjectStore): IoError =>
  storeError(
    'FENCED',
    'backup',
    where,
    `a prune in ${where} gave this backup up, because it had not been heard of for too long`,
    'Begin it again: what was stored is used.',
  );
