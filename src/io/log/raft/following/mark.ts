/**
 * How far this node's own member of the group had brought the history when the node began to follow another one. What
 * was followed since is in the history and not in the consensus log, and nothing of that was lost: without this mark the
 * next start would take the log for one that lost its end (`../judge.ts`). It goes when the member has caught up.
 */
import { Packr } from 'msgpackr';
import { readIfIntact, type Directory } from '../../../stores/directory.ts';
import { seal, unseal } from '../record.ts';
import type { Position } from '../suspicion.ts';

const name = 'following';
const format = 1;
const place = new TextEncoder().encode('where following began');
const packr = new Packr({ useRecords: false });

export class FollowMark {
  readonly #directory: Directory;
  #position: Position | undefined;

  private constructor(directory: Directory, position: Position | undefined) {
    this.#directory = directory;
    this.#position = position;
  }

  /** @param directory of the mark alone; closed with it. @throws StoreError FAILED, LogError TOO_NEW */
  static async open(directory: Directory): Promise<FollowMark> {
    const record = await readIfIntact(directory, name);
    // One that cannot be read says nothing: the log is judged by everything that the history has.
    const body = record && record !== 'damaged' ? unseal(place, format, record, 'where following began') : undefined;
    const [index, term] = body ? (packr.unpack(body) as readonly [number, number]) : [];
    return new FollowMark(directory, index === undefined || term === undefined ? undefined : { index, term });
  }

  get isSet(): boolean {
    return this.#position !== undefined;
  }

  /** What the member itself has applied, at least. @param applied the last entry of the history */
  ownOf(applied: Position | undefined): Position | undefined {
    const { index, term } = this.#position ?? applied ?? { index: 0, term: 0 };
    return index === 0 ? undefined : { index, term };
  }

  /** Durable once resolved. An earlier one stays: what was followed before is not the member's either. */
  async set(position: Position): Promise<void> {
    if (this.#position) return;
    await this.#directory.replace(name, seal(place, format, packr.pack([position.index, position.term])));
    this.#position = position;
  }

  async clear(): Promise<void> {
    if (!this.#position) return;
    await this.#directory.delete(name);
    this.#position = undefined;
  }

  close(): Promise<void> {
    return this.#directory.close();
  }
}
