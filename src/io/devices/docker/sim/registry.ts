/**
 * The registries of a simulated world, as all of its engines see them: what is there under which name, until a tag is
 * moved, and whether they can be reached.
 */
import { createHash } from 'node:crypto';
import { normalReference, splitReference } from '../reference.ts';

export class SimRegistry {
  isUp = true;
  /** Asked for without this login: refused. By server. */
  readonly logins = new Map<string, { readonly username: string; readonly password: string }>();
  readonly #has: (reference: string) => boolean;
  readonly #moves = new Map<string, number>();

  /** @param has whether there is such an image */
  constructor(has: (reference: string) => boolean) {
    this.#has = has;
  }

  /** What a reference means now; undefined: there is none. The same in every run. */
  digest(reference: string): string | undefined {
    if (!this.#has(reference)) return undefined;
    const { version } = splitReference(reference);
    if (version.includes(':')) return version;
    const name = normalReference(reference);
    return hashOf(`manifest ${name} ${this.#moves.get(name) ?? 0}`);
  }

  /** From now on the tag means another image. */
  move(reference: string): void {
    const name = normalReference(reference);
    this.#moves.set(name, (this.#moves.get(name) ?? 0) + 1);
  }
}

/** Of the image that a digest means, on every engine. */
export const idOfDigest = (digest: string): string => hashOf(`image ${digest}`);

export const hashOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
