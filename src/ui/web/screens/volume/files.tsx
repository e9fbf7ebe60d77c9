/** What is in a volume, now or as in a snapshot: folder by folder, with what differs, and the way back. */
import { NativeSelect } from '@mantine/core';
import { IconFileExport, IconFileImport, IconGitCompare } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { SnapshotRow } from '#projections/views/snapshots.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { ActionButton } from '../../components/action-button.tsx';
import { Loading, Section } from '../../components/page.tsx';
import { momentOf, reasonWords } from '../../format/snapshot-words.ts';
import { exact } from '../../format/time.ts';
import { useZone } from '../../live/now.tsx';
import { useView } from '../../live/use-view.ts';
import { ExportVolume } from './export-volume.tsx';
import { FileDifferences } from './file-differences.tsx';
import { FolderList } from './folder-list.tsx';
import { ImportVolume } from './import-volume.tsx';
import type { FilesSearch } from './files-search.ts';
import { Timeline } from './timeline.tsx';
import { useVolume } from './use-volume.ts';
import classes from './files.module.css';

export function VolumeFiles() {
  const volume = useVolume();
  return volume ? <Loaded volume={volume} /> : null;
}

function Loaded({ volume }: { readonly volume: VolumeRow }) {
  const where = useMemo(() => ({ volume: volume.id }), [volume.id]);
  const view = useView('snapshots', { where });
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const zone = useZone();
  const rows = useMemo(
    () =>
      view.rows
        .filter((row) => row.volume.id === volume.id && row.state === 'available')
        .toSorted((a, b) => momentOf(b) - momentOf(a)),
    [view.rows, volume.id],
  );
  const { path = '', snapshot, compare } = search;
  const params = { namespace: volume.namespace, name: volume.name };
  const go = (next: FilesSearch): void =>
    void navigate({ to: '/volumes/$namespace/$name/files', params, search: { ...search, ...next } });
  if (!view.ready) return <Loading />;
  return (
    <>
      <Archives volume={volume} snapshots={rows} snapshot={snapshot} />
      {rows.length > 0 && (
        <Section title="As it was" bare>
          <Timeline
            rows={rows}
            marked={rows.find(({ name }) => name === snapshot)?.id}
            onMark={() => undefined}
            onOpen={({ name }) => go({ snapshot: name, compare: undefined })}
          />
        </Section>
      )}
      <div className={classes['choices']}>
        <NativeSelect
          label={compare === undefined ? 'Show' : 'From'}
          data={options(rows, zone, compare === undefined ? 'Now' : undefined, snapshot)}
          value={snapshot ?? ''}
          onChange={(event) => go({ snapshot: event.currentTarget.value || undefined })}
        />
        {snapshot !== undefined && (
          <NativeSelect
            label="Compare with"
            leftSection={<IconGitCompare size={14} />}
            data={[
              { value: '', label: 'Nothing' },
              { value: 'now', label: 'Now' },
              ...options(rows, zone, undefined, compare),
            ]}
            value={compare ?? ''}
            onChange={(event) => go({ compare: event.currentTarget.value || undefined })}
          />
        )}
      </div>
      <Crumbs volume={volume} path={path} />
      {snapshot !== undefined && compare !== undefined ? (
        <FileDifferences volume={volume} from={snapshot} to={compare} path={path} />
      ) : (
        <FolderList volume={volume} snapshot={snapshot} path={path} />
      )}
    </>
  );
}

interface ArchivesProps {
  readonly volume: VolumeRow;
  readonly snapshots: readonly SnapshotRow[];
  readonly snapshot: string | undefined;
}

/** The whole of it: out of the lab, and into it. */
function Archives({ volume, snapshots, snapshot }: ArchivesProps) {
  const [dialog, setDialog] = useState<'export' | 'import'>();
  const queries = useQueryClient();
  const close = (): void => setDialog(undefined);
  const refused =
    volume.state === 'ready' ? undefined : `${volume.name} is ${volume.state}; this needs a volume that is ready.`;
  return (
    <div className={classes['archives']}>
      <ActionButton leftSection={<IconFileExport size={14} />} refused={refused} onClick={() => setDialog('export')}>
        Export…
      </ActionButton>
      <ActionButton leftSection={<IconFileImport size={14} />} refused={refused} onClick={() => setDialog('import')}>
        Import…
      </ActionButton>
      {dialog === 'export' && (
        <ExportVolume volume={volume} snapshots={snapshots} snapshot={snapshot} onClose={close} />
      )}
      {dialog === 'import' && (
        <ImportVolume
          volume={volume}
          onClose={close}
          onDone={() => void queries.invalidateQueries({ queryKey: ['files', volume.id] })}
        />
      )}
    </div>
  );
}

/** @param now what stands for the present, where that can be chosen */
function options(rows: readonly SnapshotRow[], zone: string, now: string | undefined, chosen: string | undefined) {
  const known = rows.map((row) => ({
    value: row.name,
    label: `${exact(momentOf(row), zone)} · ${row.name} · ${reasonWords(row)}`,
  }));
  // It may have gone while somebody looks at it: then the list says so itself.
  const isGone = chosen !== undefined && chosen !== 'now' && !rows.some(({ name }) => name === chosen);
  return [
    ...(now === undefined ? [] : [{ value: '', label: now }]),
    ...(isGone ? [{ value: chosen, label: `${chosen} (gone)` }] : []),
    ...known,
  ];
}

/** The way from the root, each step a link. */
function Crumbs({ volume, path }: { readonly volume: VolumeRow; readonly path: string }) {
  const params = { namespace: volume.namespace, name: volume.name };
  const parts = path === '' ? [] : path.split('/');
  return (
    <nav className={classes['crumbs']} aria-label="Folder">
      {[volume.name, ...parts].map((part, n) => {
        const to = parts.slice(0, n).join('/');
        return (
          <span key={to === '' && n === 0 ? '/' : to}>
            {n > 0 && <span className="faint"> / </span>}
            {n === parts.length ? (
              <strong aria-current="location">{part}</strong>
            ) : (
              <Link
                to="/volumes/$namespace/$name/files"
                params={params}
                search={(before: FilesSearch) => ({ ...before, path: to === '' ? undefined : to })}
              >
                {part}
              </Link>
            )}
          </span>
        );
      })}
    </nav>
  );
}
