/**
 * A folder that is open: its entries are reached through what was opened (`/proc/self/fd/<n>/<name>`), so that no link
 * on the way leads elsewhere, and no path becomes too long. Names are bytes, in the order of bytes.
 *
 * The calls wait for the disk: whoever reads or writes a tree does that on a thread of its own, or in slices.
 */
import type { BigIntStats } from 'node:fs';
import { closeSync, constants, lstatSync, openSync, readdirSync } from 'node:fs';

/** Node has no name for it; Linux gives it this number on every processor that Node runs on. */
const pathOnly = 0o10000000;
const flags = pathOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW;

export class OpenFolder {
  readonly fd: number;
  readonly #prefix: Buffer;

  constructor(path: string | Buffer) {
    this.fd = openSync(path, flags);
    this.#prefix = Buffer.from(`/proc/self/fd/${this.fd}/`);
  }

  at(name: Uint8Array): Buffer {
    return Buffer.concat([this.#prefix, name]);
  }

  /** @throws the error of the system when it is no folder, or a link */
  enter(name: Uint8Array): OpenFolder {
    return new OpenFolder(this.at(name));
  }

  names(): Buffer[] {
    return readdirSync(this.#prefix, { encoding: 'buffer' }).toSorted((a, b) => Buffer.compare(a, b));
  }

  look(name: Uint8Array): BigIntStats | undefined {
    return lstatSync(this.at(name), lookOptions);
  }

  stats(): BigIntStats {
    return lstatSync(Buffer.concat([this.#prefix, here]), { bigint: true });
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** An error with its stack would cost more than the call. */
const lookOptions = { bigint: true, throwIfNoEntry: false } as const;

export const here = Buffer.from('.');
