/**
 * Whether backups can be restored: by reading them back, in whole or in part.
 *
 * A pack whose SHA-256 is its name is as it was written; one that is not is taken apart chunk by chunk, so that it is
 * known which chunks, and by that which backups, are hurt. What is damaged can be set aside: the next backup that has
 * the same content stores it anew, and then what was hurt is whole again.
 */
import { IoError } from '../error.ts';
import type { ChunkTable } from './chunk-table.ts';
import type { ListedChunk } from './format/chunk-list.ts';
import { streamsOf, type Manifest } from './format/manifest.ts';
import { nameOf } from './format/pack.ts';
import { findMarks, putMark } from './marks.ts';
import { ChunkReader } from './read.ts';
import {
  damagedConfigs,
  listBackups,
  manifestOf,
  packBytesOf,
  readAll,
  readContents,
  unlessGone,
  type Repository,
} from './repository.ts';
import { storeError } from './store/port.ts';

/** `none`: that everything is there; a share of 0 to 1: that so much of it, by chance, is also readable. */
export interface VerifyOptions {
  readonly data: 'all' | 'none' | { readonly share: number };
}

export interface Verdict {
  readonly id: string;
  readonly isWhole: boolean;
  /** For people; the first few of them. */
  readonly problems: readonly string[];
  readonly readBytes: number;
}

const mostProblems = 10;

/** One backup. @throws IoError MISSING when there is none, and what the store rejects with */
export async function verify(
  repository: Repository,
  id: string,
  { data }: VerifyOptions,
  signal: AbortSignal,
  progress: (readBytes: number) => void = () => undefined,
): Promise<Verdict> {
  const { random, store } = repository.options;
  const problems: string[] = [];
  let readBytes = 0;
  const share = shareOf(data);
  try {
    const manifest = await manifestOf(repository, id, signal);
    if (!manifest) throw storeError('MISSING', 'verify', id, `there is no backup ${id} in ${store.where}`);
    const { table } = await readAll(repository, signal);
    const reader = new ChunkReader(repository, table, signal);
    for (const ref of streamsOf(manifest)) {
      if (share >= 1) {
        for await (const piece of reader.stream(ref, id)) progress((readBytes += piece.length));
        continue;
      }
      const chosen = pick(reader.listed(ref, id), (chunk) => {
        const place = table.get(chunk.id);
        if (!place) note(problems, `chunk ${short(chunk.id)} is missing`);
        return place !== undefined && random.next() < share;
      });
      for await (const { found } of reader.chunks(chosen)) {
        if (found instanceof IoError) note(problems, found.message);
        else progress((readBytes += found.length));
      }
    }
  } catch (error) {
    if (!(error instanceof IoError && error.code === 'DAMAGED')) throw error;
    note(problems, error.message);
  }
  return { id, isWhole: problems.length === 0, problems, readBytes };
}

export interface Report {
  readonly isWhole: boolean;
  readonly backups: readonly { readonly id: string; readonly isWhole: boolean; readonly problems: readonly string[] }[];
  readonly packs: number;
  readonly readPacks: number;
  /** Names of packs that are not as they were written. */
  readonly damagedPacks: readonly string[];
  /** Other objects that cannot be read, and why. No backup has to be hurt by it. */
  readonly damaged: readonly string[];
  /** Packs that no index knows: what a writer is at, or left; nothing is wrong with them. */
  readonly unindexed: number;
}

/**
 * The whole repository.
 * @param options.setAside packs that are damaged count as missing for backups from now on
 */
export async function check(
  repository: Repository,
  { data, setAside = false }: VerifyOptions & { readonly setAside?: boolean },
  signal: AbortSignal,
  progress: (done: { readonly packs: number; readonly of: number }) => void = () => undefined,
): Promise<Report> {
  const { random, store } = repository.options;
  // Backups before chunks: what is written meanwhile is not missed.
  const { manifests, damaged: unreadable } = await listBackups(repository, signal);
  const { marks, damaged: damagedMarks } = await findMarks(store, repository.keys, signal);
  const contents = await readContents(repository, marks, signal);
  const share = shareOf(data);
  const damagedPacks: string[] = [];
  const hurt = new Set<string>();
  let readPacks = 0;
  for (const { name } of contents.table.packs()) {
    if (random.next() >= share) continue;
    const bad = await damageIn(repository, contents.table, name, signal);
    if (bad) damagedPacks.push(name);
    for (const id of bad ?? []) hurt.add(id);
    progress({ packs: ++readPacks, of: contents.packs.size });
  }
  const known = new Set(marks.flatMap(({ reason, packs }) => (reason === 'damaged' ? packs : [])));
  const toSetAside = damagedPacks.filter((name) => !known.has(name));
  if (setAside && toSetAside.length > 0)
    await putMark(store, repository.keys, random.id(), { reason: 'damaged', packs: toSetAside }, signal);
  const backups = [
    ...(await verdicts(repository, manifests, contents.table, hurt, signal)),
    ...unreadable.map(({ id, error }) => ({ id, isWhole: false, problems: [error.message] })),
  ].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const damaged = [
    ...contents.damaged.map(({ message }) => message),
    ...damagedMarks.map((key) => `the mark ${key} is damaged`),
    ...(await damagedConfigs(repository, signal)),
  ];
  return {
    isWhole: damagedPacks.length === 0 && damaged.length === 0 && backups.every(({ isWhole }) => isWhole),
    backups,
    packs: contents.packs.size,
    readPacks,
    damagedPacks,
    damaged,
    unindexed: contents.unindexed.length,
  };
}

/** @returns ids of its chunks that cannot be read, of those that are looked for there; undefined when it is as written */
async function damageIn(
  repository: Repository,
  table: ChunkTable,
  name: string,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await unlessGone(packBytesOf(repository, name, signal));
  } catch (error) {
    if (!(error instanceof IoError && (error.code === 'DAMAGED' || error.code === 'INVALID'))) throw error;
  }
  if (bytes && nameOf(bytes) === name) return undefined;
  const reader = new ChunkReader(repository, table, signal);
  const wanted = table.idsIn(name).map((id) => ({ id, plainBytes: undefined }));
  const bad: string[] = [];
  for await (const { id, found } of reader.chunks(wanted))
    if (found instanceof IoError) bad.push(Buffer.from(id).toString('hex'));
  return bad;
}

async function verdicts(
  repository: Repository,
  manifests: readonly Manifest[],
  table: ChunkTable,
  hurt: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<readonly { readonly id: string; readonly isWhole: boolean; readonly problems: readonly string[] }[]> {
  const found = [];
  for (const manifest of manifests) {
    const problems: string[] = [];
    const reader = new ChunkReader(repository, table, signal);
    for (const ref of streamsOf(manifest)) {
      try {
        for await (const { id } of reader.listed(ref, manifest.id)) {
          if (!table.get(id)) note(problems, `chunk ${short(id)} is missing`);
          else if (hurt.has(Buffer.from(id).toString('hex'))) note(problems, `chunk ${short(id)} is damaged`);
        }
      } catch (error) {
        if (!(error instanceof IoError && error.code === 'DAMAGED')) throw error;
        note(problems, error.message);
      }
    }
    found.push({ id: manifest.id, isWhole: problems.length === 0, problems });
  }
  return found;
}

async function* pick(
  listed: AsyncIterable<ListedChunk>,
  isChosen: (chunk: ListedChunk) => boolean,
): AsyncGenerator<ListedChunk> {
  for await (const chunk of listed) if (isChosen(chunk)) yield chunk;
}

const shareOf = (data: VerifyOptions['data']): number => (data === 'all' ? 1 : data === 'none' ? 0 : data.share);

function note(problems: string[], problem: string): void {
  if (problems.length < mostProblems && !problems.includes(problem)) problems.push(problem);
}

const short = (id: Uint8Array): string => Buffer.from(id).toString('hex').slice(0, 12);
