/** What is in a folder of a backup, page by page: to be chosen, or fetched as a tar. */
import { IconDownload, IconFile, IconFolder } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { formatSize } from '#events/values/size.ts';
import { baseName, folderOf, joinPath } from '#events/values/tree-path.ts';
import type { BackupEntry } from '#io/contract/backups.ts';
import type { BackupRow } from '#projections/views/backups.ts';
import { rest } from '../live/clients.tsx';
import { largeFileSink } from '../live/save-file.ts';
import { troubleOf } from '../live/use-command.ts';
import { ActionButton } from './action-button.tsx';
import classes from './backup-folder.module.css';
import { Loading } from './page.tsx';
import { notify } from './toasts.tsx';
import { TroubleBox } from './trouble.tsx';

interface Props {
  readonly row: Pick<BackupRow, 'id' | 'namespace' | 'name'>;
  /** What is chosen; empty: all of it. */
  readonly chosen: string;
  readonly onChoose: (path: string) => void;
}

export function BackupFolder({ row, chosen, onChoose }: Props) {
  const { id, namespace, name } = row;
  const [path, setPath] = useState('');
  const [fetching, setFetching] = useState<string>();
  const pages = useInfiniteQuery({
    queryKey: ['backup-content', id, path],
    queryFn: ({ pageParam, signal }) =>
      rest.backupContent(
        { namespace, name },
        { path, ...(pageParam === undefined ? {} : { cursor: pageParam }), signal },
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ cursor }) => cursor,
    retry: false,
  });
  const fetchTar = async (of: string): Promise<void> => {
    setFetching(of);
    try {
      await saveTar({ namespace, name }, of);
    } catch (error) {
      const { title, hint } = troubleOf(error);
      notify({ tone: 'failed', title, hint });
    } finally {
      setFetching(undefined);
    }
  };
  if (pages.error) return <TroubleBox trouble={troubleOf(pages.error)} />;
  const rows = pages.data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <section className={classes['folder']} aria-label="What is in the backup">
      <div className={classes['path']}>
        <code>/{path}</code>
        {path !== '' && (
          <ActionButton size="compact-xs" onClick={() => setPath(folderOf(path))}>
            Up
          </ActionButton>
        )}
      </div>
      {pages.data === undefined && <Loading />}
      <ul>
        {rows.map((entry) => {
          const at = joinPath(path, entry.name);
          return (
            <li key={entry.name} aria-current={at === chosen || undefined}>
              <Name entry={entry} onOpen={() => setPath(at)} />
              <span className="faint nowrap">{sizeWords(entry)}</span>
              <ActionButton size="compact-xs" aria-label={`Only ${entry.name}`} onClick={() => onChoose(at)}>
                Only this
              </ActionButton>
              <ActionButton
                size="compact-xs"
                aria-label={`Fetch ${entry.name} as a tar`}
                loading={fetching === at}
                onClick={() => void fetchTar(at)}
              >
                <IconDownload size={14} />
              </ActionButton>
            </li>
          );
        })}
      </ul>
      {pages.data !== undefined && rows.length === 0 && <p className="muted">There is nothing in it.</p>}
      {pages.hasNextPage && (
        <ActionButton loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          More
        </ActionButton>
      )}
    </section>
  );
}

function Name({ entry: { name, entries }, onOpen }: { readonly entry: BackupEntry; readonly onOpen: () => void }) {
  if (entries === 0)
    return (
      <span className={classes['name']}>
        <IconFile size={14} /> {name}
      </span>
    );
  return (
    <button type="button" className={classes['name']} onClick={onOpen}>
      <IconFolder size={14} /> {name}
    </button>
  );
}

const sizeWords = ({ bytes, entries }: BackupEntry): string =>
  entries === 0 ? formatSize(bytes) : `${formatSize(bytes)}, ${entries.toLocaleString('en')} below`;

/** Nothing of it stays when it is not whole. */
async function saveTar(backup: { readonly namespace: string; readonly name: string }, path: string): Promise<void> {
  const sink = await largeFileSink(`${baseName(path)}.tar`);
  if (!sink) return;
  try {
    const { bytes } = await rest.readBackup(backup, { path });
    for await (const piece of bytes) await sink.write(piece);
  } catch (error) {
    await sink.abort();
    throw error;
  }
  await sink.close();
}
