/**
 * Sending an archive that a person has chosen. The browser reads it from the disk as it goes, so it may have many
 * gigabytes. `fetch` does not tell how far it is, so this is an XMLHttpRequest.
 */
import type { ImportAnswer } from '#io/contract/files.ts';
import { pageKeyHeader } from '#io/contract/routes.ts';
import { ApiError, parseJson, problemFrom, UnreachableError } from '#ui/client/errors.ts';
import { specialRequest } from '#ui/client/request.ts';
import { pageKey } from './page-key.ts';

export interface ArchiveToSend {
  readonly volume: { readonly namespace: string; readonly name: string };
  readonly file: Blob;
  readonly replace: boolean;
  /** The lab gives up as well: the volume is as it was. */
  readonly signal: AbortSignal;
  readonly onProgress: (sentBytes: number) => void;
}

/** Resolves when it is in the volume. @throws ApiError, UnreachableError, the reason of the signal */
export function sendArchive({ volume, file, replace, signal, onProgress }: ArchiveToSend): Promise<ImportAnswer> {
  const { method, target } = specialRequest('import-volume', volume, replace ? { replace } : {});
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, target);
    request.setRequestHeader('accept', 'application/json');
    request.setRequestHeader('content-type', 'application/x-tar');
    const key = pageKey();
    if (key !== undefined) request.setRequestHeader(pageKeyHeader, key);
    const abort = (): void => request.abort();
    signal.addEventListener('abort', abort);
    request.upload.addEventListener('progress', ({ loaded }) => onProgress(loaded));
    request.addEventListener('loadend', () => signal.removeEventListener('abort', abort));
    request.addEventListener('abort', () => reject(signal.reason as Error));
    request.addEventListener('error', () => reject(new UnreachableError('', 'the connection was lost', true)));
    request.addEventListener('load', () => {
      const { status, responseText } = request;
      const answer = parseJson(responseText);
      if (status === 200 && answer !== undefined) resolve(answer as ImportAnswer);
      else reject(new ApiError(problemFrom(status, responseText, '')));
    });
    if (signal.aborted) reject(signal.reason as Error);
    else request.send(file);
  });
}
