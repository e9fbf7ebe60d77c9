/**
 * The compose file of a project as it lies on this node, with what it names beside it, as `floatlab up` would hand it in.
 * Where it is, the labels say that Compose has put on the containers. An image may carry such labels as well: those are
 * somebody else's words, and no file of this node is read because of them (`labelsOf`).
 *
 * Only what lies in the folder of the first file is read, links included.
 */
import { basename, dirname, join, relative, resolve } from 'node:path';
import { maxComposeFiles, type ComposeInput, type HandedIn } from '#actors/compose/model.ts';
import { maxComposeChars } from '#actors/compose/project/load.ts';
import { namedPaths } from '#actors/compose/read.ts';
import type { FoundContainer } from '#actors/compose/inspected/plan.ts';
import type { Call } from '../../devices/call.ts';
import { IoError } from '../../devices/error.ts';
import type { PlacesPort } from '../../devices/places/port.ts';
import { composeLabel } from './projects.ts';

/** What one deployment can carry. */
const maxTotalBytes = 5 * 2 ** 20;
const maxFiles = 1000;

type Found = ComposeInput | { readonly why: string };

/** Of its container, without those that its image brings. */
export const labelsOf = ({ inspection, image }: FoundContainer): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(inspection.labels).filter(([key, value]) => image.labels[key] !== value));

/** @returns the file with what it names, or why there is none, in a sentence @throws IoError ABORTED, TIMED_OUT */
export async function composeFileOf(
  containers: readonly FoundContainer[],
  places: PlacesPort,
  call: Call,
): Promise<Found> {
  const all = new Set(containers.map((one) => labelsOf(one)[composeLabel.files] ?? ''));
  const [said = '', ...others] = all;
  if (others.length > 0) return { why: 'Its containers were made from different compose files.' };
  if (said === '') return { why: 'Nothing says which compose file it was made from.' };
  const [one] = containers;
  const folder = (one && labelsOf(one)[composeLabel.folder]) ?? '';
  // Compose joins several with commas, and before version 2 names them as it was given them; `-` was piped in.
  const files = said.split(',').map((path) => (path === '-' || !folder.startsWith('/') ? path : resolve(folder, path)));
  const [first = '', ...overrides] = files;
  if (!first.startsWith('/')) return { why: `Its compose file, ${first}, is no file of this node.` };
  try {
    return await read(first, overrides, places, call);
  } catch (error) {
    if (error instanceof IoError && (error.code === 'INVALID' || error.code === 'FAILED'))
      return { why: error.message };
    throw error;
  }
}

async function read(first: string, overrides: readonly string[], places: PlacesPort, call: Call): Promise<Found> {
  const place = await places.look(first, call);
  const file = place && (await places.read(place.path, 4 * maxComposeChars, call));
  const folder = place && (await places.look(dirname(first), call))?.path;
  if (!file || folder === undefined) return { why: `Its compose file, ${first}, is not there any more.` };
  const text = textOf(file.bytes);
  if (text === undefined) return { why: `Its compose file, ${first}, is not UTF-8 text.` };
  if (overrides.length > maxComposeFiles) return { why: `It was made from more than ${maxComposeFiles} files.` };
  const taken = new Taken(folder, places, call);
  await taken.add('.env');
  for (const [n, one] of overrides.entries()) {
    const inside = relative(folder, one);
    if (inside.startsWith('..')) return { why: `${one} is outside the folder of its first compose file, ${folder}.` };
    await taken.add(inside, n + 1);
  }
  const fileName = basename(first);
  const asked = new Set<string>(['.env']);
  // A file that was taken may name others.
  for (let more = named(); more.length > 0; more = named()) {
    for (const path of more) {
      asked.add(path);
      await taken.add(path);
    }
  }
  return taken.tooMuch === undefined ? { fileName, text, files: taken.files } : { why: taken.tooMuch };

  function named(): readonly string[] {
    return namedPaths({ fileName, text: text ?? '', files: taken.files }).filter((path) => !asked.has(path));
  }
}

class Taken {
  readonly files: Record<string, HandedIn> = {};
  /** Why not all of it is there. */
  tooMuch: string | undefined;
  readonly #folder: string;
  readonly #places: PlacesPort;
  readonly #call: Call;
  #bytes = 0;

  constructor(folder: string, places: PlacesPort, call: Call) {
    this.#folder = folder;
    this.#places = places;
    this.#call = call;
  }

  /** A file, a folder of which everything is meant, or nothing. @param override as the how-manieth compose file */
  async add(path: string, override?: number): Promise<void> {
    if (this.files[path] || this.tooMuch !== undefined) return;
    const place = await this.#places.look(join(this.#folder, path), this.#call);
    if (!place || (place.path !== this.#folder && !place.path.startsWith(`${this.#folder}/`))) return;
    if (place.what === 'folder') return this.#addFolder(path, place.path);
    if (place.what !== 'file') return;
    const left = maxTotalBytes - this.#bytes;
    const file = await this.#places.read(place.path, left, this.#call).catch((error: unknown) => {
      if (error instanceof IoError && error.code === 'INVALID') return undefined;
      throw error;
    });
    if (!file || Object.keys(this.files).length >= maxFiles) {
      this.tooMuch = `What its compose file names beside it is more than configuration: ${path} does not fit.`;
      return;
    }
    this.#bytes += file.bytes.length;
    this.files[path] = {
      content: Buffer.from(file.bytes).toString('base64'),
      mode: file.mode,
      ...(override === undefined ? {} : { override }),
    };
  }

  async #addFolder(path: string, real: string): Promise<void> {
    for (const name of (await this.#places.list(real, this.#call)) ?? []) {
      const inner = await this.#places.look(join(real, name), this.#call);
      // A link may point back up.
      if (inner?.what === 'folder' && inner.path !== join(real, name)) continue;
      await this.add(path === '.' ? name : `${path}/${name}`);
    }
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
