/**
 * Where the bytes of a file go that the lab sends. A browser that lets a page write to a file of the person's choice takes
 * any size, piece by piece; in the others the file is held whole before it is saved, so it has a limit.
 */
import { formatSize } from '#events/values/size.ts';

export interface FileSink {
  /** @throws TooLargeError, or as the disk refuses it */
  write(piece: Uint8Array): Promise<void>;
  /** All of it has come. */
  close(): Promise<void>;
  /** Nothing is left behind. */
  abort(): Promise<void>;
}

/** What a page may well hold. */
export const mostHeldBytes = 512 * 2 ** 20;

export class TooLargeError extends Error {
  constructor() {
    super(`more than ${formatSize(mostHeldBytes)}`);
  }
}

/** Not in every browser, and not in the types of those that have it. */
interface WithPicker {
  readonly showSaveFilePicker?: (options: { readonly suggestedName: string }) => Promise<FileSystemFileHandle>;
}

/** Whether a file of any size can be saved. */
export const canSaveLarge = (): boolean => (globalThis as WithPicker).showSaveFilePicker !== undefined;

/**
 * Asks where to, so it must be called by a click, before anything is waited for.
 * @returns undefined when the person does not say
 */
export async function largeFileSink(suggestedName: string): Promise<FileSink | undefined> {
  const pick = (globalThis as WithPicker).showSaveFilePicker;
  if (pick === undefined) return heldFileSink(suggestedName);
  try {
    const writable = await (await pick({ suggestedName })).createWritable();
    return {
      write: (piece) => writable.write(piece as Uint8Array<ArrayBuffer>),
      close: () => writable.close(),
      abort: () => writable.abort().catch(() => undefined),
    };
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined;
    throw error;
  }
}

/** Held whole, and saved at its end as any download is. */
export function heldFileSink(name: string): FileSink {
  let pieces: BlobPart[] = [];
  let size = 0;
  return {
    write: async (piece) => {
      size += piece.length;
      if (size > mostHeldBytes) throw new TooLargeError();
      pieces.push(piece as Uint8Array<ArrayBuffer>);
    },
    close: async () => saveBlob(new Blob(pieces), name),
    abort: async () => {
      pieces = [];
    },
  };
}

function saveBlob(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
