/**
 * The compose files of one app, laid one behind the other: each begins at its `base`, and an offset belongs to the last
 * file that begins at or before it. So a place in a tree that is merged of several files is one number.
 */
import type { EnvFile } from '../env-file.ts';
import { sourceOf, type Source } from '../locate.ts';

/** Beside a compose file: variables, which stand in no list. */
export const dotEnv = '.env';

/** What the variables of a file are looked up in. Files that are included may have one of their own. */
export interface Scope {
  readonly variables: Map<string, string>;
  /** Env files that were read in it, by format and path: once, however many services name the same one. */
  readonly envFiles: Map<string, EnvFile | undefined>;
}

export const startScope = (variables: Iterable<readonly [string, string]> = []): Scope => ({
  variables: new Map(variables),
  envFiles: new Map(),
});

interface Added {
  /** For findings: its path beside the first file. */
  readonly fileName: string;
  readonly text: string;
  /** From here its relative paths count: a normalized path inside the folder of the first file, or `.` for that. */
  readonly folder: string;
  readonly scope: Scope;
}

export interface ProjectSource extends Source {
  readonly base: number;
  readonly folder: string;
  readonly scope: Scope;
}

export class Sources {
  readonly #all: ProjectSource[] = [];
  #end = 0;

  get count(): number {
    return this.#all.length;
  }

  /** Characters of all of them. */
  get chars(): number {
    return this.#end;
  }

  add({ fileName, text, folder, scope }: Added): ProjectSource {
    const source = { ...sourceOf(fileName, text), base: this.#end, folder, scope };
    this.#all.push(source);
    // One more: the place behind the last character is still in this file.
    this.#end += text.length + 1;
    return source;
  }

  at(offset: number): ProjectSource {
    let low = 0;
    let high = this.#all.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#all[middle]?.base ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const found = this.#all[low];
    if (!found) throw new Error('There is no file yet.');
    return found;
  }
}
