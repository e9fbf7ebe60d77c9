/**
 * Ids in order, so that every iteration that reaches an output is the same on every replica. Many more come and go than
 * are ever listed: they are sorted when somebody asks.
 */
export class SortedIds {
  readonly #ids = new Set<string>();
  #sorted: readonly string[] | undefined;

  get ids(): readonly string[] {
    this.#sorted ??= [...this.#ids].toSorted();
    return this.#sorted;
  }

  get size(): number {
    return this.#ids.size;
  }

  add(id: string): void {
    this.#ids.add(id);
    this.#sorted = undefined;
  }

  delete(id: string): void {
    if (this.#ids.delete(id)) this.#sorted = undefined;
  }
}
