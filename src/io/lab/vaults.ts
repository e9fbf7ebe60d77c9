/**
 * Places that this lab lends to others for their backups: a folder, or a dataset of a pool, opened by a token. What the
 * token may do is all here:
 *
 *   get, list     everything in that place; it is encrypted with a key that this lab does not have
 *   put           what is not there yet, up to the quota; nothing is ever overwritten
 *   delete        anything, or where it is append-only, locks alone
 *
 * The quota counts what lies there as this node saw it last, at most ten minutes ago, and what it has put since.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { LabView } from '#actors/actor.ts';
import { systemNamespace } from '#actors/drafting.ts';
import type { BackupTargets } from '../devices/backup/targets/port.ts';
import { storeError, type ObjectStore } from '../devices/backup/store/port.ts';
import type { Clock } from '../devices/clock/port.ts';

export interface VaultPort {
  /** @returns undefined when there is no such place, or the token is not that of it: nobody is told which */
  open(name: string, token: string, signal: AbortSignal): Promise<ObjectStore | undefined>;
}

export interface VaultParts {
  readonly lab: LabView;
  readonly backups: Pick<BackupTargets, 'place'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

const countedForMs = 600_000;

export function vaults({ lab, backups, clock }: VaultParts): VaultPort {
  const known = new Map<string, Used>();
  return {
    open: async (name, token, signal) => {
      const { stream, context } = lab.byName('backup-target', systemNamespace, name) ?? {};
      const lent = context?.spec.lent;
      // As long for a place that is not there as for one whose token is another.
      const isRight = timingSafeEqual(digest(token), Buffer.from(lent?.tokenHash ?? '00'.repeat(32), 'hex'));
      if (!stream || !context || !lent || !isRight) return undefined;
      const { spec } = context;
      const store = await backups.place({ name, spec, secrets: {} }, signal);
      const used = known.get(stream) ?? new Used();
      known.set(stream, used);
      const { quotaBytes, appendOnly } = lent;
      return {
        where: name,
        get: async (key, callSignal, range) => store.get(checked('get', key), callSignal, range),
        head: async (key, callSignal) => store.head(checked('head', key), callSignal),
        list: (prefix, callSignal) => visible(store.list(prefix, callSignal)),
        put: async (key, bytes, callSignal) => {
          checked('put', key);
          const usedBytes = await used.bytes(store, clock.monotonicMs(), callSignal);
          if (usedBytes + bytes.length > quotaBytes) throw full(key, quotaBytes);
          // Counted before: several that come together are not let in one by one.
          used.add(bytes.length);
          const put = await store.put(key, bytes, callSignal).catch((error: unknown) => {
            used.add(-bytes.length);
            throw error;
          });
          if (put === 'exists') used.add(-bytes.length);
          return put;
        },
        delete: async (key, callSignal) => {
          checked('delete', key);
          if (appendOnly && !key.startsWith('locks/')) throw kept(key);
          const there = await store.head(key, callSignal);
          await store.delete(key, callSignal);
          used.add(-(there?.sizeBytes ?? 0));
        },
      };
    },
  };
}

class Used {
  #bytes = 0;
  #since: number | undefined;
  #counting: Promise<number> | undefined;

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  async bytes(store: ObjectStore, now: number, signal: AbortSignal): Promise<number> {
    if (this.#since === undefined || now - this.#since > countedForMs) {
      this.#counting ??= this.#count(store, signal).finally(() => (this.#counting = undefined));
      this.#bytes = await this.#counting;
      this.#since = now;
    }
    return this.#bytes;
  }

  async #count(store: ObjectStore, signal: AbortSignal): Promise<number> {
    let bytes = 0;
    for await (const { sizeBytes } of store.list('', signal)) bytes += sizeBytes;
    return bytes;
  }
}

/** What a repository is made of (`docs/formats.md`), and nothing else of the folder. */
const isOfRepository = (key: string): boolean =>
  /^(config(\.copy)?|(packs|index|manifests|locks|marks)\/.+)$/.test(key);

function checked(op: string, key: string): string {
  if (isOfRepository(key)) return key;
  throw storeError('INVALID', op, key.slice(0, 200), `${JSON.stringify(key.slice(0, 200))} is no object of backups`);
}

async function* visible<T extends { readonly key: string }>(objects: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const object of objects) if (isOfRepository(object.key)) yield object;
}

const full = (key: string, quotaBytes: number) =>
  storeError(
    'NO_SPACE',
    'put',
    key,
    `what the other lab lends is used up (${quotaBytes} bytes)`,
    'Ask for more there, or let fewer backups be kept and prune.',
  );

const kept = (key: string) =>
  storeError(
    'PERMISSION',
    'delete',
    key,
    'that place is append-only: nothing is deleted from here',
    'Whoever lends it can allow it for a while: floatlab backup target set NAME --append-only no.',
  );

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();
