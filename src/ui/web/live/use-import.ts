/** Filling a volume from an archive: how far it is, and what became of it. */
import { useEffect, useRef, useState } from 'react';
import type { ImportAnswer } from '#io/contract/files.ts';
import { sendArchive } from './send-archive.ts';
import { troubleOf, type Trouble } from './use-command.ts';
import { useView } from './use-view.ts';

export type ImportState =
  | { readonly state: 'idle' }
  | { readonly state: 'sending'; readonly sentBytes: number; readonly totalBytes: number }
  | { readonly state: 'done'; readonly answer: ImportAnswer }
  | { readonly state: 'failed'; readonly trouble: Trouble };

interface Importing {
  readonly status: ImportState;
  /** Resolves when it has ended, however. */
  start(file: Blob, replace: boolean): Promise<void>;
  /** The volume stays, or becomes again, as it was. */
  cancel(): void;
}

/** A person has changed their mind. */
const canceled = new Error('canceled');

export function useImport({ namespace, name }: { readonly namespace: string; readonly name: string }): Importing {
  const [status, setStatus] = useState<ImportState>({ state: 'idle' });
  const sending = useRef<{ readonly abort: AbortController; readonly known: ReadonlySet<string> }>(undefined);
  const { rows } = useView('operations', { now: true, where: { command: 'import-volume', targetName: name } });
  const mine = rows.filter((row) => row.namespace === namespace);
  const failed = mine.find(({ id, state }) => state === 'failed' && sending.current?.known.has(id) === false);

  // A browser reads no answer before it has sent everything: that it was refused is seen in the lab first.
  useEffect(() => {
    if (failed?.problem) sending.current?.abort.abort(new RefusedMeanwhile(failed.problem));
  }, [failed]);
  // Whoever leaves the screen has been asked.
  useEffect(() => () => sending.current?.abort.abort(canceled), []);

  const start = async (file: Blob, replace: boolean): Promise<void> => {
    const abort = new AbortController();
    sending.current = { abort, known: new Set(mine.map(({ id }) => id)) };
    const onProgress = (sentBytes: number): void => setStatus({ state: 'sending', sentBytes, totalBytes: file.size });
    onProgress(0);
    try {
      const options = { volume: { namespace, name }, file, replace, signal: abort.signal, onProgress };
      setStatus({ state: 'done', answer: await sendArchive(options) });
    } catch (error) {
      if (error === canceled) setStatus({ state: 'idle' });
      else
        setStatus({ state: 'failed', trouble: error instanceof RefusedMeanwhile ? error.trouble : troubleOf(error) });
    } finally {
      sending.current = undefined;
    }
  };
  return { status, start, cancel: () => sending.current?.abort.abort(canceled) };
}

class RefusedMeanwhile extends Error {
  readonly trouble: Trouble;
  constructor({ message, hint }: { readonly message: string; readonly hint?: string | undefined }) {
    super(message);
    this.trouble = { title: `The import failed: ${message}.`, hint, problem: undefined };
  }
}
