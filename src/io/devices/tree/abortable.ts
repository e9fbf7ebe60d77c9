/**
 * Pieces that somebody else brings, until the signal: whoever is told to end does not wait for bytes that may never come.
 * A source that is left is told, and not waited for.
 *
 * @throws what `error` makes, once the signal is aborted
 */
export async function* abortable<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
  error: () => Error,
): AsyncGenerator<T> {
  const pieces = source[Symbol.asyncIterator]();
  let tell = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    tell = () => reject(error());
  });
  // It may come while nobody asks for the next piece.
  aborted.catch(() => undefined);
  if (signal.aborted) tell();
  signal.addEventListener('abort', tell, { once: true });
  let isLeft = true;
  try {
    for (;;) {
      const next = await Promise.race([aborted, pieces.next()]);
      if (next.done) break;
      yield next.value;
    }
    isLeft = false;
  } finally {
    signal.removeEventListener('abort', tell);
    if (isLeft) void Promise.resolve(pieces.return?.()).catch(() => undefined);
  }
}
