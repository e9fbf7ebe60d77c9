/**
 * The compose file and what travels with it: `.env`, env files, and the files and small folders that it mounts. Only
 * what lies in the folder of the compose file is read, links included; nothing else of this machine is sent.
 */
import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { slugOf } from '#actors/compose/names.ts';
import { maxComposeChars, namedPaths, readCompose } from '#actors/compose/read.ts';
import type { ComposeInput, ComposeResult } from '#actors/compose/model.ts';
import { formatSize } from '#events/values/size.ts';
import { CliError, reasonOf, usageError } from './errors.ts';

const usualNames = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

/** Of one file, and of all together: what one request can carry. */
export const maxFileBytes = 3 * 2 ** 20;
export const maxTotalBytes = 5 * 2 ** 20;
const maxFiles = 1000;

type Files = Record<string, { readonly content: string; readonly mode: number }>;

export interface Collected {
  readonly input: ComposeInput;
  /** The reading on this machine: for notes and for names; the lab reads it again. */
  readonly read: ComposeResult;
  /** What the app is called when nobody says: the folder's name, as docker compose has it. */
  readonly folderName: string | undefined;
}

/** @param without paths that stay here although the file names them @throws CliError */
export async function collectCompose(
  cwd: string,
  file: string | undefined,
  without: readonly string[] = [],
): Promise<Collected> {
  const path = resolve(cwd, file ?? (await usualFile(cwd)));
  const text = await readText(path);
  const folder = await realpath(dirname(path));
  const fileName = basename(path);
  const left = new Set(without.map((one) => relative(folder, resolve(folder, one))));
  const taken = new Collection(folder, left);
  // `.env` first: its variables may stand in the other paths.
  await taken.add('.env');
  for (const named of namedPaths({ fileName, text, files: taken.files })) await taken.add(named);
  const input = { fileName, text, files: taken.files };
  return { input, read: readCompose(input), folderName: slugOf(basename(folder)) };
}

async function usualFile(cwd: string): Promise<string> {
  for (const name of usualNames) {
    if (await stat(resolve(cwd, name)).catch(() => undefined)) return name;
  }
  throw usageError(`There is no ${usualNames[0]} in this folder.`, 'Name the file: -f path/to/compose.yaml.');
}

async function readText(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw usageError(`${path} cannot be read: ${reasonOf(error)}.`);
  }
  if (bytes.length > 4 * maxComposeChars) throw usageError(`${path} is larger than a compose file may be: 1 MiB.`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw usageError(`${path} is not UTF-8 text.`, 'Save it as UTF-8.');
  }
}

class Collection {
  readonly files: Files = {};
  readonly #folder: string;
  readonly #without: ReadonlySet<string>;
  #bytes = 0;

  constructor(folder: string, without: ReadonlySet<string>) {
    this.#folder = folder;
    this.#without = without;
  }

  /** A file, a folder of which everything is meant, or nothing: what is missing is found by whoever reads the file. */
  async add(path: string): Promise<void> {
    if (this.#without.has(path) || this.files[path]) return;
    const full = join(this.#folder, path);
    const real = await realpath(full).catch(() => undefined);
    if (real === undefined) return;
    if (real !== this.#folder && !real.startsWith(`${this.#folder}${sep}`)) {
      throw new CliError(
        'OUTSIDE',
        2,
        `${path} is a link to ${real}, outside the folder of the compose file.`,
        `Copy it into the folder, or leave it here: --without ${path}.`,
      );
    }
    const info = await lstat(real);
    if (info.isDirectory()) return this.#addFolder(path, real);
    if (info.isFile()) return this.#addFile(path, real, info.size, info.mode & 0o777);
    // A socket, a pipe or a device: nothing that could travel.
  }

  async #addFolder(path: string, real: string): Promise<void> {
    const names = await readdir(real).catch((error: unknown) => {
      throw usageError(`${path} cannot be read: ${reasonOf(error)}.`, `Leave it here: --without ${path}.`);
    });
    for (const name of names.toSorted()) {
      const inside = path === '.' ? name : `${path}/${name}`;
      // A link inside may point back up: what it points to is taken where it is named itself.
      if (
        (await lstat(join(real, name))).isSymbolicLink() &&
        (await stat(join(real, name)).catch(() => undefined))?.isDirectory()
      )
        continue;
      await this.add(inside);
    }
  }

  async #addFile(path: string, real: string, size: number, mode: number): Promise<void> {
    this.#bytes += size;
    const tooMuch = size > maxFileBytes ? maxFileBytes : this.#bytes > maxTotalBytes ? maxTotalBytes : undefined;
    if (tooMuch !== undefined || Object.keys(this.files).length >= maxFiles) {
      const what =
        tooMuch === maxFileBytes
          ? `${path} is larger than ${formatSize(maxFileBytes)}`
          : `The files beside the compose file are more than ${tooMuch === undefined ? maxFiles : formatSize(maxTotalBytes)}`;
      const folder = path.split('/')[0] ?? path;
      throw new CliError(
        'TOO_LARGE',
        2,
        `${what}: only configuration travels with it, no data.`,
        `Leave it here: --without ${tooMuch === maxFileBytes ? path : folder}. The app then begins with an empty folder.`,
      );
    }
    const content = await readFile(real).catch((error: unknown) => {
      throw usageError(`${path} cannot be read: ${reasonOf(error)}.`, `Leave it here: --without ${path}.`);
    });
    this.files[path] = { content: content.toString('base64'), mode };
  }
}
