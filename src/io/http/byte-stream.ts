/** Bytes of unknown length as the body of an answer: as fast as the reader takes them. */

export interface StreamedBody {
  /** The one who reads is gone, or the server closes. */
  readonly gone: AbortSignal;
  /** Called once, however it ends. */
  done?(): void;
  broken?(error: unknown): void;
}

/**
 * Waits for the first bytes: what fails before them can still be answered with what is wrong. Any error after that ends
 * the connection: whoever reads sees that it is not all. @throws what the source throws before its first byte
 */
export async function byteStream(
  bytes: AsyncIterable<Uint8Array>,
  { gone, done, broken }: StreamedBody,
): Promise<ReadableStream<Uint8Array>> {
  const pieces = bytes[Symbol.asyncIterator]();
  const end = async (): Promise<void> => {
    done?.();
    await pieces.return?.();
  };
  let first: IteratorResult<Uint8Array> | undefined;
  try {
    first = await pieces.next();
  } catch (error) {
    broken?.(error);
    await end();
    throw error;
  }
  return new ReadableStream({
    pull: async (controller) => {
      try {
        gone.throwIfAborted();
        const next: IteratorResult<Uint8Array> = first ?? (await pieces.next());
        first = undefined;
        if (!next.done) return controller.enqueue(next.value);
        controller.close();
        await end();
      } catch (error) {
        broken?.(error);
        controller.error(error);
        await end();
      }
    },
    cancel: end,
  });
}
