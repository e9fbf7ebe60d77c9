/** Fetching a file of a volume through the browser; a folder comes as a tar. */
import { useCallback, useState } from 'react';
import { formatSize } from '#events/values/size.ts';
import { baseName } from '#events/values/tree-path.ts';
import type { FileFacts } from '#io/contract/files.ts';
import { notify } from '../components/toasts.tsx';
import { volumeAt } from '../format/volume-at.ts';
import { rest } from './clients.tsx';
import { canSaveLarge, heldFileSink, largeFileSink, mostHeldBytes, TooLargeError } from './save-file.ts';
import { troubleOf } from './use-command.ts';

interface OfVolume {
  readonly namespace: string;
  readonly name: string;
}

export function useDownload({ namespace, name }: OfVolume, snapshot: string | undefined) {
  const [running, setRunning] = useState<string>();
  const start = useCallback(
    async (path: string, { kind, sizeBytes }: Pick<FileFacts, 'kind' | 'sizeBytes'>): Promise<void> => {
      // How large a folder becomes nobody knows.
      const isLarge = kind === 'folder' || sizeBytes > mostHeldBytes;
      if (sizeBytes > mostHeldBytes && !canSaveLarge()) return tooLarge(path, name, snapshot);
      const fileName = `${baseName(path)}${kind === 'folder' ? '.tar' : ''}`;
      setRunning(path);
      try {
        const sink = isLarge ? await largeFileSink(fileName) : heldFileSink(fileName);
        if (!sink) return;
        let size = 0;
        try {
          const { bytes } = await rest.readFile({ namespace, name }, { path, snapshot });
          for await (const piece of bytes) {
            size += piece.length;
            await sink.write(piece);
          }
        } catch (error) {
          await sink.abort();
          throw error;
        }
        if (kind === 'file' && size !== sizeBytes)
          notify({ tone: 'attention', title: `${path} changed while it was read: ${formatSize(size)} of it came.` });
        await sink.close();
      } catch (error) {
        if (error instanceof TooLargeError) return tooLarge(path, name, snapshot);
        const { title, hint } = troubleOf(error);
        notify({ tone: 'failed', title, hint });
      } finally {
        setRunning(undefined);
      }
    },
    [namespace, name, snapshot],
  );
  return { running, start };
}

const tooLarge = (path: string, volume: string, snapshot: string | undefined): void =>
  notify({
    tone: 'failed',
    title: `${path} has more than ${formatSize(mostHeldBytes)}, too much for a page in this browser.`,
    hint: `Fetch it by the command line: floatlab files get ${volumeAt(volume, snapshot)} '${path}'`,
  });
