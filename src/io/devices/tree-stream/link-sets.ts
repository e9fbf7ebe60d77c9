/**
 * Hard links: names of one inode, anywhere in a tree. Its first name in the order of the walk stands for it, the others
 * are told as links to that one. Only inodes with several names are kept in mind, and until the last one was seen.
 *
 * With a base, the receiver has inodes already. One of them is *kept*, and changed in place, for the first target inode
 * whose first name it has. Whatever else has a name of it gets another inode, or is linked anew: so a change never
 * reaches a file that was linked to it before and is not any more.
 */
import type { BigIntStats } from 'node:fs';

interface LinkSet {
  /** From the top of the tree. */
  readonly first: Buffer;
  left: number;
}

export class LinkSets {
  readonly #sets = new Map<bigint, LinkSet>();
  /** Inodes of the base that are kept, and for which inode of the target. */
  readonly #kept = new Map<bigint, bigint>();

  /** @returns the path of the first name of this inode; undefined when this is the first one */
  see(stats: BigIntStats, path: () => Buffer): Buffer | undefined {
    if (stats.nlink === 1n) return undefined;
    const set = this.#sets.get(stats.ino);
    if (!set) {
      this.#sets.set(stats.ino, { first: path(), left: Number(stats.nlink) - 1 });
      return undefined;
    }
    if (--set.left === 0) this.#sets.delete(stats.ino);
    return set.first;
  }

  /** At the first name of an inode: may what the base has there become it? */
  keep(base: BigIntStats, target: BigIntStats): boolean {
    if (base.nlink === 1n) return true;
    if (this.#kept.has(base.ino)) return false;
    this.#kept.set(base.ino, target.ino);
    return true;
  }

  /** At a later name of an inode: is it a name of the very inode that was kept for it? */
  isKept(base: BigIntStats, target: BigIntStats): boolean {
    return base.nlink > 1n && this.#kept.get(base.ino) === target.ino;
  }
}
