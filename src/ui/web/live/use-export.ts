/** A whole volume as a tar, into a file of the person's choice. */
import { useEffect, useRef, useState } from 'react';
import { volumeAt } from '../format/volume-at.ts';
import { rest } from './clients.tsx';
import { largeFileSink, TooLargeError } from './save-file.ts';
import { troubleOf, type Trouble } from './use-command.ts';

export type ExportState =
  | { readonly state: 'idle' }
  | { readonly state: 'receiving'; readonly receivedBytes: number }
  | { readonly state: 'done'; readonly receivedBytes: number }
  | { readonly state: 'failed'; readonly trouble: Trouble };

interface OfVolume {
  readonly namespace: string;
  readonly name: string;
}

/** What is shown of it changes this often at most. */
const stillMs = 200;

export function useExport({ namespace, name }: OfVolume) {
  const [status, setStatus] = useState<ExportState>({ state: 'idle' });
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const start = async (snapshot: string | undefined): Promise<void> => {
    const abort = new AbortController();
    running.current = abort;
    try {
      const sink = await largeFileSink(`${volumeAt(name, snapshot)}.tar`);
      if (!sink) return;
      let receivedBytes = 0;
      setStatus({ state: 'receiving', receivedBytes });
      try {
        const { bytes } = await rest.exportVolume({ namespace, name }, { snapshot, signal: abort.signal });
        let shownAt = performance.now();
        for await (const piece of bytes) {
          await sink.write(piece);
          receivedBytes += piece.length;
          if (performance.now() - shownAt < stillMs) continue;
          shownAt = performance.now();
          setStatus({ state: 'receiving', receivedBytes });
        }
        await sink.close();
      } catch (error) {
        await sink.abort();
        throw error;
      }
      setStatus({ state: 'done', receivedBytes });
    } catch (error) {
      if (abort.signal.aborted) setStatus({ state: 'idle' });
      else
        setStatus({
          state: 'failed',
          trouble: error instanceof TooLargeError ? tooLarge(name, error) : troubleOf(error),
        });
    } finally {
      running.current = undefined;
    }
  };
  return { status, start, cancel: () => running.current?.abort() };
}

const tooLarge = (name: string, { message }: TooLargeError): Trouble => ({
  title: `Volume ${name} has ${message}, too much for a page in this browser.`,
  hint: `Export it by the command line: floatlab volume export ${name} --file ${name}.tar`,
  problem: undefined,
});
