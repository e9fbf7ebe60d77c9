/**
 * The compose files of an app become one tree: what a file extends and includes goes into it, then each override is
 * merged over what is there. Readers of keys see the result alone.
 *
 * ```text
 * main file ─ extends ─ include ─┐
 * override  ─ extends ─ include ─┴─ merge ─ … ─ one tree
 * ```
 *
 * Every file is one that was handed in. How many there are, how much they hold together, and what comes of it when all is
 * written out is limited, so that reading ends soon, whatever they say.
 */
import { decodeText } from '../decode.ts';
import { quoted } from '../locate.ts';
import { maxComposeFiles } from '../model.ts';
import type { Place, Reading } from '../reading.ts';
import { maxValues, parseTree, type MapNode, type Node } from '../tree.ts';
import { wrongType } from '../values.ts';
import { withExtends } from './extends.ts';
import { withIncludes } from './include.ts';
import { mergeMaps, plain } from './merge.ts';
import { isRemote, pathFrom } from './paths.ts';
import { fileRule } from './rules.ts';
import type { ProjectSource, Scope } from './sources.ts';

/** Of all files together. */
export const maxComposeChars = 2 ** 20;

export interface ComposeFile {
  readonly source: ProjectSource;
  readonly root: MapNode;
  /** Its services with what they extend, as far as somebody asked. */
  readonly resolved: Map<string, Node>;
  /** With all that it extends and includes, once that is known. */
  completed?: MapNode;
}

/** Whoever loads another file: reports go there. */
type From = Pick<Place, 'path' | 'at'>;

export class Project {
  readonly reading: Reading;
  /** Each once, for a folder and a scope. */
  readonly #loaded = new Map<Scope, Map<string, ComposeFile | undefined>>();
  /** Something is missing: who names it is not wrong. */
  isComplete = true;
  #isFull = false;
  #includes = 0;

  constructor(reading: Reading) {
    this.reading = reading;
  }

  /** The first file by itself, and those that are merged over it. */
  start(): readonly [main: ComposeFile, ...overrides: ComposeFile[]] | undefined {
    const main = this.#parse(this.reading.main, `${this.reading.main.fileName}\n.`);
    if (!main) return undefined;
    const overrides = [...this.reading.files]
      .filter(([, { override }]) => override !== undefined)
      .toSorted(([a, one], [b, other]) => (one.override ?? 0) - (other.override ?? 0) || (a < b ? -1 : 1))
      .flatMap(([path]) => this.load({ path: '', at: 0 }, path, '.', this.reading.main.scope) ?? []);
    return [main, ...overrides];
  }

  /** The file that a text at this place names. @returns its path among those handed in, or undefined after a report */
  pathAt(place: Place, text: string): string | undefined {
    if (isRemote(text))
      return this.#missing(
        place,
        'FloatLab fetches no compose files.',
        'Copy it into the folder of the compose file, and name it there.',
      );
    const path = pathFrom(this.reading, place.at, text);
    if (path !== undefined && path !== '.') return path;
    return this.#missing(
      place,
      'This is not a file in the folder of the compose file.',
      'Copy it there: only that folder is sent to the lab.',
    );
  }

  /** @returns undefined after a report */
  load(from: From, path: string, folder: string, scope: Scope): ComposeFile | undefined {
    const key = `${path}\n${folder}`;
    const loaded = this.#loaded.get(scope);
    if (loaded?.has(key)) return loaded.get(key);
    const text = this.#textOf(from, path);
    if (text === undefined) return undefined;
    return this.#parse(this.reading.sources.add({ fileName: path, text, folder, scope }), key);
  }

  #textOf(from: From, path: string): string | undefined {
    const { reading } = this;
    const { main, sources, parsing } = reading;
    if (this.#isFull) return undefined;
    if (sources.count >= maxComposeFiles || parsing.values > maxValues) {
      this.#isFull = true;
      return this.#missing(
        from,
        `An app is made of at most ${maxComposeFiles} compose files.`,
        'Put some of them together.',
      );
    }
    reading.named.add(path);
    const file = reading.files.get(path);
    if (!file && path !== main.fileName) {
      return reading.present.has(path)
        ? this.#missing(from, `${quoted(path)} is a folder, not a file.`, 'Name the compose file in it.')
        : this.#missing(from, `The file ${quoted(path)} is not there.`, 'Create it, or correct its path.');
    }
    const text = file ? decodeText(file.content) : main.text;
    if (text === undefined)
      return this.#missing(from, `${quoted(path)} is not UTF-8 text of at most 1 MiB.`, 'Save it as UTF-8.');
    if (sources.chars + text.length <= maxComposeChars) return text;
    this.#isFull = true;
    return this.#missing(
      from,
      'All compose files together have at most 1 MiB.',
      'Put large values into files beside them.',
    );
  }

  #parse(source: ProjectSource, key: string): ComposeFile | undefined {
    const { reading } = this;
    const node = parseTree(
      source.text,
      (at, message, hint) => reading.report({ path: '', at }, message, hint),
      reading.parsing,
      source.base,
    );
    const top = node && { path: '', at: node.at, node };
    const file: ComposeFile | undefined =
      node?.kind === 'map' ? { source, root: node, resolved: new Map() } : top && wrongType(reading, top, 'a map');
    if (!file) this.isComplete = false;
    const loaded = this.#loaded.get(source.scope) ?? new Map<string, ComposeFile | undefined>();
    this.#loaded.set(source.scope, loaded.set(key, file));
    return file;
  }

  #missing(from: From, message: string, hint: string): undefined {
    this.isComplete = false;
    return this.reading.report(from, message, hint);
  }

  /** A file with all that it extends and includes. @param trail the files that include it, outermost first */
  complete(file: ComposeFile, trail: readonly string[] = []): MapNode {
    file.completed ??= withIncludes(this, file, withExtends(this, file), trail);
    return file.completed;
  }

  /** @returns false when there are too many, which is told once */
  mayInclude(place: Place): boolean {
    if (this.#isFull) return false;
    this.#includes++;
    if (this.#includes === maxComposeFiles + 1)
      this.#missing(place, `An app includes at most ${maxComposeFiles} files.`, 'Put some of them together.');
    return this.#includes <= maxComposeFiles;
  }

  /** Files over one another, of which nothing is left to be merged. */
  merge([first, ...others]: readonly MapNode[]): MapNode | undefined {
    if (!first) return undefined;
    const { reading } = this;
    const merged = others.reduce((base, over) => mergeMaps(reading, '', base, over, fileRule), first);
    return plain(reading, merged) as MapNode;
  }
}
