/** What is different between two moments of a volume. */
import { Checkbox } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { formatSize } from '#events/values/size.ts';
import type { Difference } from '#io/contract/files.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { ActionButton } from '../../components/action-button.tsx';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { Empty, Loading, Section } from '../../components/page.tsx';
import { TroubleBox } from '../../components/trouble.tsx';
import { volumeAt } from '../../format/volume-at.ts';
import { rest } from '../../live/clients.tsx';
import { troubleOf } from '../../live/use-command.ts';
import classes from './files.module.css';

interface DifferencesProps {
  readonly volume: VolumeRow;
  readonly from: string;
  /** A snapshot, or `now`. */
  readonly to: string;
  readonly path: string;
}

export function FileDifferences({ volume, from, to, path }: DifferencesProps) {
  const { namespace, name } = volume;
  const [content, setContent] = useState(false);
  const pages = useInfiniteQuery({
    queryKey: ['diff', volume.id, from, to, path, content],
    queryFn: ({ pageParam, signal }) =>
      rest.diff({ namespace, name }, { from, to, content }, { path, cursor: pageParam, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ cursor }) => cursor,
    retry: false,
    gcTime: 0,
  });
  const choice = (
    <Checkbox
      mb={12}
      label="Read also files that have the same size and time"
      checked={content}
      onChange={(event) => setContent(event.currentTarget.checked)}
    />
  );
  if (pages.error)
    return (
      <>
        {choice}
        <TroubleBox trouble={troubleOf(pages.error)} />
      </>
    );
  if (!pages.data)
    return (
      <>
        {choice}
        <Loading />
      </>
    );
  const rows = pages.data.pages.flatMap(({ items }) => items);
  const command = `floatlab files diff ${volumeAt(name, from)}`;
  if (rows.length === 0)
    return (
      <>
        {choice}
        <Section bare>
          <Empty title="Nothing is different" command={to === 'now' ? command : `${command} --to ${to}`}>
            {content ? 'Every file is as it was.' : 'Every file is as it was, by its size and time.'}
          </Empty>
        </Section>
      </>
    );
  return (
    <>
      {choice}
      <Section title="Differences" note={`${rows.length}${pages.hasNextPage ? ' and more' : ''}`} bare>
        <DataTable label="Differences" rows={rows} rowKey={(row) => row.path} columns={columns} />
        {pages.hasNextPage && (
          <div className={classes['more']}>
            <ActionButton loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
              Show more
            </ActionButton>
          </div>
        )}
      </Section>
    </>
  );
}

const columns: readonly Column<Difference>[] = [
  { id: 'change', title: 'Change', width: '130px', cell: changeWords },
  {
    id: 'path',
    title: 'Path',
    width: 'minmax(200px, 4fr)',
    cell: ({ path, before, after }) => (
      <code>
        {path}
        {(after ?? before)?.kind === 'folder' && '/'}
      </code>
    ),
  },
  { id: 'size', title: 'Size', width: 'minmax(110px, 1fr)', numeric: true, cell: sizeWords },
];

export const DifferenceLine = ({ item }: { readonly item: Difference }) => (
  <li>
    <code>{item.path}</code> <span className="muted">{item.change === 'removed' ? 'gone' : changeWords(item)}</span>
  </li>
);

function changeWords({ change, what }: Difference): string {
  if (change !== 'changed') return change;
  return what === 'attributes' ? 'mode or owner' : what === 'kind' ? 'another kind' : 'changed';
}

function sizeWords({ before, after }: Difference): string {
  const [was, is] = [before, after].map((facts) => (facts?.kind === 'file' ? formatSize(facts.sizeBytes) : undefined));
  if (was !== undefined && is !== undefined && was !== is) return `${was} → ${is}`;
  return is ?? was ?? '–';
}
