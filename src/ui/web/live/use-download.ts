/** Fetching a file of a volume through the browser: it is in hand, whole, before it is saved. */
import { useCallback, useState } from 'react';
import { formatSize } from '#events/values/size.ts';
import { baseName } from '#events/values/tree-path.ts';
import type { FileFacts } from '#io/contract/files.ts';
import { notify } from '../components/toasts.tsx';
import { volumeAt } from '../format/volume-at.ts';
import { rest } from './clients.tsx';
import { troubleOf } from './use-command.ts';

interface OfVolume {
  readonly namespace: string;
  readonly name: string;
}

/** What a page may well hold; for more there is the command line. */
const mostBytes = 512 * 2 ** 20;

export function useDownload({ namespace, name }: OfVolume, snapshot: string | undefined) {
  const [running, setRunning] = useState<string>();
  const start = useCallback(
    async (path: string, { kind, sizeBytes }: Pick<FileFacts, 'kind' | 'sizeBytes'>): Promise<void> => {
      const command = `floatlab files get ${volumeAt(name, snapshot)} '${path}'`;
      if (sizeBytes > mostBytes) return tooLarge(path, command);
      setRunning(path);
      try {
        const { bytes } = await rest.readFile({ namespace, name }, { path, snapshot });
        const pieces: BlobPart[] = [];
        let size = 0;
        for await (const piece of bytes) {
          size += piece.length;
          if (size > mostBytes) return tooLarge(path, command);
          pieces.push(piece as Uint8Array<ArrayBuffer>);
        }
        if (kind === 'file' && size !== sizeBytes)
          notify({ tone: 'attention', title: `${path} changed while it was read: ${formatSize(size)} of it came.` });
        save(new Blob(pieces), `${baseName(path)}${kind === 'folder' ? '.tar' : ''}`);
      } catch (error) {
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

const tooLarge = (path: string, command: string): void =>
  notify({
    tone: 'failed',
    title: `${path} has more than ${formatSize(mostBytes)}, too much for a page.`,
    hint: `Fetch it by the command line: ${command}`,
  });

function save(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
