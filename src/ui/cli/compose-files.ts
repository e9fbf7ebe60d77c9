/**
 * The compose file and what travels with it: overrides, what it includes and extends, `.env`, env files, and the files and
 * small folders that it mounts. Only
 * what lies in the folder of the compose file is read, links included; nothing else of this machine is sent.
 */
import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { readEnvFile } from '#actors/compose/env-file.ts';
import { slugOf } from '#actors/compose/names.ts';
import { maxComposeChars } from '#actors/compose/project/load.ts';
import { namedPaths, readCompose } from '#actors/compose/read.ts';
import type { ComposeInput, ComposeResult, HandedIn } from '#actors/compose/model.ts';
import { formatSize } from '#events/values/size.ts';
import { CliError, reasonOf, usageError } from './errors.ts';
import { readText as readPiped } from './stdin.ts';
import type { World } from './world.ts';

const usualNames = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];
/** Taken beside one of those: `compose.override.yaml` … */
const overrideNames = usualNames.map((name) => name.replace(/(?=\.ya?ml$)/, '.override'));

/** Of one file, and of all together: what one request can carry. */
export const maxFileBytes = 3 * 2 ** 20;
export const maxTotalBytes = 5 * 2 ** 20;
const maxFiles = 1000;

type Files = Record<string, HandedIn>;

export interface Collected {
  readonly input: ComposeInput;
  /** The reading on this machine: for notes and for names; the lab reads it again. */
  readonly read: ComposeResult;
  /** What the app is called when nobody says: the folder's name, as docker compose has it. */
  readonly folderName: string | undefined;
}

/**
 * @param named one file, or several of which each is merged over those before it; undefined: the usual one of this folder
 * @param without paths that stay here although the file names them
 * @param world for the file `-`, which is what is piped in, in this folder
 * @throws CliError
 */
export async function collectCompose(
  cwd: string,
  named: string | readonly string[] | undefined,
  without: readonly string[] = [],
  world?: Pick<World, 'stdin'>,
): Promise<Collected> {
  const [file, ...overrides] = named === undefined ? await usualFiles(cwd) : [named].flat();
  const piped = file === '-' ? world : undefined;
  const path = resolve(cwd, piped ? (usualNames[0] ?? '') : (file ?? ''));
  const text = piped ? await readPiped(piped) : await readComposeText(path);
  const folder = await realpath(dirname(path));
  const fileName = basename(path);
  const left = new Set(without.map((one) => relative(folder, resolve(folder, one))));
  const taken = new Collection(folder, left);
  // `.env` first: its variables may stand in the other paths.
  await taken.add('.env');
  for (const [n, one] of overrides.entries()) await taken.addOverride(resolve(cwd, one), n + 1);
  const asked = new Set<string>();
  // A file that was taken may name others.
  for (let more: readonly string[] = ['.env']; more.length > 0;) {
    more = namedPaths({ fileName, text, files: taken.files }).filter((one) => !asked.has(one));
    for (const one of more) await taken.add(one);
    for (const one of more) asked.add(one);
  }
  const input = { fileName, text, files: taken.files };
  return { input, read: readCompose(input), folderName: slugOf(basename(folder)) };
}

/** The path of the file that is named, or of the usual one. @throws CliError where there is none */
export async function findCompose(cwd: string, named: string | undefined): Promise<string> {
  const [file = ''] = named === undefined ? await usualFiles(cwd) : [named];
  return resolve(cwd, file);
}

/** Those that `.env` names, or the compose file of this folder, and its override where there is one. */
async function usualFiles(cwd: string): Promise<readonly string[]> {
  const chosen = await chosenFiles(cwd);
  if (chosen) return chosen;
  const first = async (names: readonly string[]): Promise<string | undefined> => {
    for (const name of names) if (await stat(resolve(cwd, name)).catch(() => undefined)) return name;
    return undefined;
  };
  const file = await first(usualNames);
  if (file === undefined)
    throw usageError(`There is no ${usualNames[0]} in this folder.`, 'Name the file: -f path/to/compose.yaml.');
  const override = await first(overrideNames);
  return override === undefined ? [file] : [file, override];
}

/** As with Docker Compose: `COMPOSE_FILE=compose.yaml:compose.prod.yaml`, divided by `COMPOSE_PATH_SEPARATOR` if that is there. */
async function chosenFiles(cwd: string): Promise<readonly string[] | undefined> {
  const text = await readFile(resolve(cwd, '.env'), 'utf8').catch(() => '');
  // What is wrong in it is told by whoever reads the compose file.
  const { variables } = readEnvFile(text, 'compose', () => undefined);
  const separator = variables.get('COMPOSE_PATH_SEPARATOR') || ':';
  const files = (variables.get('COMPOSE_FILE') ?? '').split(separator).filter((name) => name !== '');
  return files.length === 0 ? undefined : files;
}

/** @throws CliError where it cannot be read, is too long, or is no text */
export async function readComposeText(path: string): Promise<string> {
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

  /** A compose file over the first one. @param path where it is on this machine */
  async addOverride(path: string, order: number): Promise<void> {
    const folder = await realpath(dirname(path)).catch((error: unknown) => {
      throw usageError(`${path} cannot be read: ${reasonOf(error)}.`);
    });
    const inside = relative(this.#folder, join(folder, basename(path)));
    if (inside.startsWith('..'))
      throw usageError(
        `${path} is outside the folder of the first compose file, ${this.#folder}.`,
        'Copy it there: only that folder is sent to the lab.',
      );
    if (this.#without.has(inside)) return;
    await readComposeText(path);
    await this.add(inside);
    const file = this.files[inside];
    if (file) this.files[inside] = { ...file, override: order };
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
