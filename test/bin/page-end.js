/**
 * A program that a Node with the fault ends within a second: an early `return []`, another `[]` that is never reached,
 * and objects of several sizes, so that every distance to the end of a page occurs.
 */
const all = { gte: 1 };
const from = (index) => ({ gte: index });
const endsLog = ({ install, entries, suspicion }) =>
  install !== undefined || entries.length > 0 || suspicion === 'cleared';

class Storage {
  #tail = 0;
  #count = 0;
  #store = {
    async *range() {
      yield [];
    },
  };

  async #leftovers(plan) {
    const isShorter = endsLog(plan) && plan.last.index < this.#tail;
    if (!plan.install && !isShorter) return [];
    const keys = [];
    const range = plan.install ? all : from(plan.last.index + 1);
    for await (const slice of this.#store.range({ ...range, reverse: true })) for (const [key] of slice) keys.push(key);
    return keys;
  }

  async #opsOf(plan) {
    const ops = [];
    for (const key of await this.#leftovers(plan)) ops.push({ del: key });
    ops.push({ put: this.#count++ });
    return ops;
  }

  async store(plans) {
    let sum = 0;
    let other;
    for (let i = 0; i < plans; i++) {
      other = { a: i };
      if (i % 3 === 0) other = [i, i];
      if (i % 7 === 0) other = [i, i, i + 0.5];
      if (i % 11 === 0) other = new Uint8Array(i % 64);
      const plan = { install: undefined, entries: [1], suspicion: undefined, last: { index: i + 1 } };
      sum += (await this.#opsOf(plan)).length;
    }
    return other === undefined ? 0 : sum;
  }
}

const storage = new Storage();
for (let round = 0; round < 40; round++) await storage.store(100_000);
process.stdout.write('whole\n');
