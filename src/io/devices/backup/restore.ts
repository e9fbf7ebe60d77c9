/** A backup as a tar again: all of it, or one path with everything below it. */
import { waysOf } from '#events/values/tree-path.ts';
import type { ChunkTable } from './chunk-table.ts';
import { readCatalog, type CatalogEntry } from './format/catalog.ts';
import type { Manifest, StreamRef } from './format/manifest.ts';
import { ChunkReader } from './read.ts';
import { manifestOf, readAll, type Repository } from './repository.ts';
import { storeError } from './store/port.ts';

/** Two blocks of zeros end a tar. */
const endOfTar = new Uint8Array(1024);
/** Of the largest file that is kept beside a volume. */
const maxFileBytes = 64 * 1024 * 1024;

export interface Opened {
  readonly manifest: Manifest;
  /**
   * The tar as it was backed up, byte for byte; checked while it is read and as a whole at its end, so what was taken
   * from it before an error is not to be used.
   */
  content(): AsyncIterable<Uint8Array>;
  /**
   * A tar of one path and of what is below it. A hard link brings the entry along whose content it shares.
   * @param path as in `#events/values/tree-path.ts`. @throws IoError MISSING, INVALID, UNSUPPORTED without a catalog
   */
  path(path: string): AsyncIterable<Uint8Array>;
  /** What is in it, in the order of the tar. @throws IoError UNSUPPORTED without a catalog */
  entries(): AsyncIterable<CatalogEntry>;
  file(name: string): Promise<Uint8Array>;
}

/** @throws IoError MISSING when there is no such backup, DAMAGED */
export async function openBackup(repository: Repository, id: string, signal: AbortSignal): Promise<Opened> {
  const manifest = await manifestOf(repository, id, signal);
  if (!manifest) {
    const { where } = repository.options.store;
    throw storeError('MISSING', 'restore', id, `there is no backup ${id} in ${where}`, 'List the backups there.');
  }
  const { table } = await readAll(repository, signal);
  return openedBackup(repository, manifest, table, signal);
}

/** Where the chunks of a repository are known already: one look serves many backups. */
export function openedBackup(
  repository: Repository,
  manifest: Manifest,
  table: ChunkTable,
  signal: AbortSignal,
): Opened {
  const { id } = manifest;
  const reader = () => new ChunkReader(repository, table, signal);
  const catalog = (): StreamRef => {
    if (manifest.catalog) return manifest.catalog;
    const message = `the backup ${id} has no catalog: what was backed up was no tar that FloatLab knows`;
    throw storeError('UNSUPPORTED', 'restore', id, message, 'Restore all of it.');
  };
  const entries = () => readCatalog(reader().stream(catalog(), id));
  return {
    manifest,
    content: () => reader().stream(manifest.content, id),
    entries,
    path: async function* (path) {
      const ranges = await rangesOf(entries, path, id);
      yield* reader().ranges(manifest.content, ranges, id);
      yield endOfTar;
    },
    file: async (name) => {
      const file = manifest.files.find((candidate) => candidate.name === name);
      if (!file) throw storeError('MISSING', 'restore', name, `the backup ${id} has no file ${name} beside its volume`);
      if (file.content.sizeBytes > maxFileBytes)
        throw storeError('INVALID', 'restore', name, `the file ${name} has ${file.content.sizeBytes} bytes`);
      const pieces: Uint8Array[] = [];
      for await (const piece of reader().stream(file.content, name)) pieces.push(piece);
      return Buffer.concat(pieces);
    },
  };
}

interface Range {
  readonly from: number;
  to: number;
}

/** Neighbours are one range, so that a large folder is a few. */
async function rangesOf(
  entries: () => AsyncIterable<CatalogEntry>,
  path: string,
  id: string,
): Promise<readonly Range[]> {
  if (waysOf(path) === undefined) throw storeError('INVALID', 'restore', path, `${JSON.stringify(path)} is no path`);
  const isIn = (of: string): boolean => path === '' || of === path || of.startsWith(`${path}/`);
  // The content stands where the first of its names is, which may be anywhere before the link.
  const targets = new Set<string>();
  for await (const { path: of, target } of entries())
    if (isIn(of) && target !== undefined && !isIn(target)) targets.add(target);
  const ranges: Range[] = [];
  let [from, found] = [0, false];
  for await (const { path: of, bytes } of entries()) {
    const to = from + bytes;
    if (isIn(of) || targets.has(of)) {
      found ||= isIn(of);
      const last = ranges.at(-1);
      if (last?.to === from) last.to = to;
      else ranges.push({ from, to });
    }
    from = to;
  }
  if (!found) throw storeError('MISSING', 'restore', path, `the backup ${id} has no ${path}`);
  return ranges;
}
