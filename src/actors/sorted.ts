/** Ids kept in order, so that every iteration that reaches an output is the same on every replica. */
export class SortedIds {
  readonly ids: string[] = [];

  /** @returns the position of the id, or where it would stand */
  #find(id: string): number {
    let low = 0;
    let high = this.ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.ids[middle] ?? '') < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(id: string): void {
    const at = this.#find(id);
    if (this.ids[at] !== id) this.ids.splice(at, 0, id);
  }

  delete(id: string): void {
    const at = this.#find(id);
    if (this.ids[at] === id) this.ids.splice(at, 1);
  }
}
