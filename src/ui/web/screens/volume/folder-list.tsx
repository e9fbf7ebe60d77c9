/** One folder of a volume, page by page; its files can be fetched, and brought back from a snapshot. */
import { Checkbox } from '@mantine/core';
import { IconArrowBackUp, IconDownload, IconFile, IconFolder, IconLink, IconPlugConnected } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { formatSize } from '#events/values/size.ts';
import { joinPath } from '#events/values/tree-path.ts';
import type { FileEntry, FileFacts } from '#io/contract/files.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { ActionButton } from '../../components/action-button.tsx';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { Empty, Loading, Section } from '../../components/page.tsx';
import { Time } from '../../components/time.tsx';
import { TroubleBox } from '../../components/trouble.tsx';
import { volumeAt } from '../../format/volume-at.ts';
import { rest } from '../../live/clients.tsx';
import { useDownload } from '../../live/use-download.ts';
import { troubleOf } from '../../live/use-command.ts';
import type { FilesSearch } from './files-search.ts';
import { RestoreFiles } from './restore-files.tsx';
import classes from './files.module.css';

interface FolderProps {
  readonly volume: VolumeRow;
  /** Undefined: now. */
  readonly snapshot: string | undefined;
  readonly path: string;
}

export function FolderList({ volume, snapshot, path }: FolderProps) {
  const { namespace, name } = volume;
  const [restoring, setRestoring] = useState<readonly string[]>();
  const [chosen, setChosen] = useChosen(`${snapshot ?? ''}:${path}`);
  const download = useDownload(volume, snapshot);
  const pages = useInfiniteQuery({
    queryKey: ['files', volume.id, snapshot ?? '', path],
    queryFn: ({ pageParam, signal }) => rest.files({ namespace, name }, { path, snapshot, cursor: pageParam, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ cursor }) => cursor,
    retry: false,
    gcTime: 0,
  });
  if (pages.error)
    return (
      <div className={classes['trouble']}>
        <TroubleBox trouble={troubleOf(pages.error)} />
        <ActionButton onClick={() => void pages.refetch()} refused={undefined}>
          Look again
        </ActionButton>
      </div>
    );
  if (!pages.data) return <Loading />;
  const [first] = pages.data.pages;
  const rows = pages.data.pages.flatMap(({ items }) => items);
  const restore = snapshot === undefined ? undefined : (one: string): void => setRestoring([one]);
  const toggle = (name: string): void =>
    setChosen(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);
  const choice = snapshot === undefined ? undefined : { chosen, toggle };
  if (first && first.self.kind !== 'folder') {
    return (
      <Section bare>
        <Empty
          title={`${path} is ${kindWords[first.self.kind]}`}
          action={
            first.self.kind === 'file' ? (
              <ActionButton
                leftSection={<IconDownload size={14} />}
                onClick={() => void download.start(path, first.self)}
              >
                Download
              </ActionButton>
            ) : undefined
          }
        >
          {formatSize(first.self.sizeBytes)}, changed <Time at={first.self.modifiedAt} />.
        </Empty>
      </Section>
    );
  }
  return (
    <>
      {rows.length === 0 ? (
        <Section bare>
          <Empty title="Nothing in here" command={`floatlab files ls ${volumeAt(name, snapshot)}`}>
            {path === '' ? 'The volume is empty.' : 'The folder is empty.'}
          </Empty>
        </Section>
      ) : (
        <Section
          title="Files"
          note={`${rows.length}${pages.hasNextPage ? ' and more' : ''}`}
          actions={
            chosen.length > 0 && (
              <ActionButton
                size="compact-sm"
                leftSection={<IconArrowBackUp size={14} />}
                refused={volume.state === 'ready' ? undefined : `${volume.name} is ${volume.state}.`}
                onClick={() => setRestoring(chosen.map((one) => joinPath(path, one)))}
              >
                Restore {chosen.length} chosen
              </ActionButton>
            )
          }
          bare
        >
          <DataTable
            label="Files"
            rows={rows}
            rowKey={(row) => row.name}
            columns={columnsFor(volume, path, download, restore, choice)}
          />
          {pages.hasNextPage && (
            <div className={classes['more']}>
              <ActionButton loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
                Show more
              </ActionButton>
            </div>
          )}
        </Section>
      )}
      {restoring !== undefined && snapshot !== undefined && (
        <RestoreFiles
          volume={volume}
          snapshot={snapshot}
          paths={restoring}
          onClose={() => setRestoring(undefined)}
          onDone={() => setChosen([])}
        />
      )}
    </>
  );
}

type Download = ReturnType<typeof useDownload>;

interface Choice {
  /** Names in this folder. */
  readonly chosen: readonly string[];
  readonly toggle: (name: string) => void;
}

const none: readonly string[] = [];

/** What is chosen in one place is not chosen in another. */
function useChosen(place: string): readonly [readonly string[], (names: readonly string[]) => void] {
  const [state, setState] = useState({ place, names: none });
  return [state.place === place ? state.names : none, (names) => setState({ place, names })];
}

function columnsFor(
  volume: VolumeRow,
  path: string,
  download: Download,
  restore: ((path: string) => void) | undefined,
  choice: Choice | undefined,
): readonly Column<FileEntry>[] {
  return [
    {
      id: 'name',
      title: 'Name',
      width: 'minmax(180px, 3fr)',
      cell: (row) => (
        <span className={classes['named']}>
          {choice && <Chosen row={row} {...choice} />}
          <Name row={row} volume={volume} path={joinPath(path, row.name)} />
        </span>
      ),
    },
    {
      id: 'size',
      title: 'Size',
      width: '96px',
      numeric: true,
      cell: ({ kind, sizeBytes }) => (kind === 'file' ? formatSize(sizeBytes) : <span className="faint">–</span>),
    },
    { id: 'changed', title: 'Changed', width: '100px', cell: ({ modifiedAt }) => <Time at={modifiedAt} /> },
    {
      id: 'mode',
      title: 'Mode',
      width: '72px',
      wideOnly: true,
      cell: ({ mode }) => <code>{mode.toString(8).padStart(4, '0')}</code>,
    },
    { id: 'owner', title: 'Owner', width: '96px', wideOnly: true, cell: ({ uid, gid }) => `${uid}:${gid}` },
    {
      id: 'actions',
      title: '',
      width: '210px',
      cell: (row) => (
        <div className={classes['actions']}>
          {restore && isRestorable(row) && (
            <ActionButton
              size="compact-xs"
              leftSection={<IconArrowBackUp size={14} />}
              refused={volume.state === 'ready' ? undefined : `${volume.name} is ${volume.state}.`}
              onClick={() => restore(joinPath(path, row.name))}
            >
              Restore
            </ActionButton>
          )}
          {(row.kind === 'file' || row.kind === 'folder') && (
            <ActionButton
              size="compact-xs"
              leftSection={<IconDownload size={14} />}
              loading={download.running === joinPath(path, row.name)}
              aria-label={`Download ${row.name}`}
              onClick={() => void download.start(joinPath(path, row.name), row)}
            >
              Download
            </ActionButton>
          )}
        </div>
      ),
    },
  ];
}

/** Beside what cannot be brought back stands an empty box of the same width: names stay in line. */
const Chosen = ({ row, chosen, toggle }: Choice & { readonly row: FileEntry }) => (
  <span className={classes['choice']}>
    {isRestorable(row) && (
      <Checkbox
        size="xs"
        aria-label={`Choose ${row.name}`}
        checked={chosen.includes(row.name)}
        onChange={() => toggle(row.name)}
      />
    )}
  </span>
);

/** Pipes, sockets and devices an app makes anew. */
const isRestorable = ({ kind }: FileEntry): boolean => kind === 'file' || kind === 'folder' || kind === 'link';

const kindWords: Readonly<Record<FileFacts['kind'], string>> = {
  file: 'a file',
  folder: 'a folder',
  link: 'a link',
  fifo: 'a pipe',
  socket: 'a socket',
  device: 'a device',
};

interface NameProps {
  readonly row: FileEntry;
  readonly volume: VolumeRow;
  readonly path: string;
}

function Name({ row: { name, kind, target }, volume, path }: NameProps) {
  const Icon =
    kind === 'folder' ? IconFolder : kind === 'file' ? IconFile : kind === 'link' ? IconLink : IconPlugConnected;
  return (
    <span className={classes['name']}>
      <Icon size={16} aria-label={kindWords[kind]} />
      {kind === 'folder' ? (
        <Link
          to="/volumes/$namespace/$name/files"
          params={{ namespace: volume.namespace, name: volume.name }}
          search={(before: FilesSearch) => ({ ...before, path })}
        >
          {name}
        </Link>
      ) : (
        <span>{name}</span>
      )}
      {target !== undefined && <span className="muted">→ {target}</span>}
    </span>
  );
}
