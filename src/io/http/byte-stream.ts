/** Bytes of unknown length as the body of an answer: as fast as the reader takes them. */

export interface StreamedBody {
  /** The one who reads is gone, or the server closes. */
  readonly gone: AbortSignal;
  /** Called once, however it ends. */
  done?(): void;
  broken?(error: unknown): void;
}

/** An error ends the connection: whoever reads sees that it is not all. */
export function byteStream(
  bytes: AsyncIterable<Uint8Array>,
  { gone, done, broken }: StreamedBody,
): ReadableStream<Uint8Array> {
  const pieces = bytes[Symbol.asyncIterator]();
  const end = async (): Promise<void> => {
    done?.();
    await pieces.return?.();
  };
  return new ReadableStream({
    pull: async (controller) => {
      try {
        gone.throwIfAborted();
        const next = await pieces.next();
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
