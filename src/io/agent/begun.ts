/**
 * A stream whose first piece is on its way before somebody asks for it: who makes it prepares while who reads it does.
 * One that nobody ever reads has to be ended by its own signal.
 */
export function begun<T>(all: AsyncIterable<T>): AsyncIterable<T> {
  const from = all[Symbol.asyncIterator]();
  const first = from.next();
  // Whoever reads it hears of it.
  first.catch(() => undefined);
  return {
    [Symbol.asyncIterator]: async function* () {
      try {
        for (let next = await first; next.done !== true; next = await from.next()) yield next.value;
      } finally {
        await from.return?.();
      }
    },
  };
}
