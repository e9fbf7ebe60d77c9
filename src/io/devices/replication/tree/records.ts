/**
 * Where records of replicas are: in a small dataset of the pool itself, so that they go wherever the pool goes, on every
 * file system alike. Nobody else sees it (`seen.ts`).
 *
 *     <pool>: floatlab-replication/
 *       .about.json               what this is: without it, nothing is mounted here
 *       <dataset>.json            its record
 *       <dataset>.work.json       … while a stream is applied to it
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isThere, removeFile, replaceFile, textIfThere } from '../../../stores/files.ts';
import type { Call } from '../../call.ts';
import { IoError } from '../../error.ts';
import type { VolumePort } from '../../volumes/port.ts';

export interface Records {
  /** @returns undefined when there is none @throws IoError POOL_MISSING */
  read(pool: string, key: string, call: Call): Promise<string | undefined>;
  /** Durable once resolved, and whole or not at all. */
  write(pool: string, key: string, text: string, call: Call): Promise<void>;
  /** Gone for good once resolved. Of what is not there: done. */
  remove(pool: string, key: string, call: Call): Promise<void>;
  keys(pool: string, call: Call): Promise<readonly string[]>;
  /** The folder in which they are, made where there is none. */
  folder(pool: string, call: Call): Promise<string>;
}

/** A name that no volume gets: those are ids without a word. */
export const recordsName = 'floatlab-replication';
/** Each record takes some hundred bytes; copies of the dataset are never made. */
const sizeBytes = 64 * 2 ** 20;
/** No name of a dataset begins so. */
const about = '.about.json';
/** How long it is believed that a pool has none, in milliseconds: to look costs a command, before every call. */
const absentMs = 30_000;
/** So many have been made by this process. */
let made = 0;

export function recordsInPools(volumes: VolumePort): Records {
  const folders = new Map<string, string>();
  /** Pools that had none, and when: nobody but this process makes them while it has the pool. */
  const absent = new Map<string, { readonly at: number; readonly made: number }>();
  const isAbsent = (pool: string): boolean => {
    const seen = absent.get(pool);
    return seen !== undefined && seen.made === made && performance.now() - seen.at < absentMs;
  };

  /** Looks each time: the pool may have been let go since, and an empty folder is no memory. */
  async function find(pool: string, call: Call, make: boolean): Promise<string | undefined> {
    const known = folders.get(pool);
    if (known !== undefined && (await isThere(join(known, about)))) return known;
    if (!make && isAbsent(pool)) return undefined;
    const of = { pool, name: recordsName };
    const before = made;
    const isMade = (await volumes.inspect(of, call)) !== undefined;
    if (!isMade && !make) {
      absent.set(pool, { at: performance.now(), made: before });
      return undefined;
    }
    if (!isMade) made++;
    const { path } = isMade
      ? await volumes.mount(of, call)
      : await volumes.create(of, { sizeBytes, mode: 0o700 }, call);
    const place = join(path, about);
    if (!(await isThere(place))) {
      if ((await recordsIn(path)).length > 0) throw damaged(place);
      await replaceFile(place, Buffer.from('{"what":"records of replicas"}\n'), { mode: 0o600 });
    }
    folders.set(pool, path);
    return path;
  }
  const ensured = async (pool: string, call: Call): Promise<string> => {
    const folder = await find(pool, call, true);
    if (folder === undefined) throw new Error('the folder of records was not made');
    return folder;
  };

  return {
    async read(pool, key, call) {
      const folder = await find(pool, call, false);
      return folder === undefined ? undefined : textIfThere(join(folder, key));
    },
    async write(pool, key, text, call) {
      await replaceFile(join(await ensured(pool, call), key), Buffer.from(text), { mode: 0o600 });
    },
    async remove(pool, key, call) {
      const folder = await find(pool, call, false);
      if (folder !== undefined && (await isThere(join(folder, key)))) await removeFile(join(folder, key));
    },
    async keys(pool, call) {
      const folder = await find(pool, call, false);
      return folder === undefined ? [] : recordsIn(folder);
    },
    folder: ensured,
  };
}

const recordsIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder)).filter((name) => /^[^.].*\.json$/.test(name)).toSorted();

const damaged = (place: string): IoError =>
  new IoError('DAMAGED', {
    op: 'find the replica',
    target: place,
    message: `${place} is missing, though there are records beside it`,
    hint: 'Somebody has changed what FloatLab remembers of replicas: write {} into it when the records are right.',
  });
