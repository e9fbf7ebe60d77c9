/** The revisions of an app, from its history: whoever looks back must be able to go back. */
import { useQuery } from '@tanstack/react-query';
import type { ActivityRow } from '#projections/views/activity.ts';
import type { AppRow } from '#projections/views/apps.ts';
import { rest } from '../../live/clients.tsx';
import { usePast } from '../../live/past.ts';

export interface Revision {
  readonly number: number;
  /** Where it stands in the lab's history: `?at=` of this is the lab as it was then. */
  readonly index: number;
  readonly at: number;
  readonly who: string;
  /** Names what came with it beside the compose file; null when nothing did. */
  readonly files: string | null;
}

const pageSize = 1000;
/** An app has few events; one that has more has revisions that nobody remembers. */
const mostPages = 5;

/** @returns newest first, the present one included; empty while they are asked for */
export function useRevisions(app: AppRow | null | undefined): readonly Revision[] {
  const { at } = usePast();
  const found = useQuery({
    queryKey: ['revisions', app?.id, app?.revision, at],
    queryFn: () => revisionEvents(app?.id ?? '', at),
    enabled: app !== undefined && app !== null && app.revision > 1,
  });
  const newest = app?.revision ?? 0;
  return (found.data ?? []).map(({ index, at: time, who, data }, n) => ({
    number: newest - n,
    index,
    at: time,
    who,
    files: (data as { files?: string | null }).files ?? null,
  }));
}

async function revisionEvents(app: string, at: number | undefined): Promise<readonly ActivityRow[]> {
  const found: ActivityRow[] = [];
  let before = at === undefined ? undefined : at + 1;
  for (let page = 0; page < mostPages; page++) {
    const { items } = await rest.history(app, { limit: pageSize, ...(before === undefined ? {} : { before }) });
    found.push(...items.filter(({ stream, type }) => stream === app && isRevision(type)));
    before = items.at(-1)?.index;
    if (items.length < pageSize || found.at(-1)?.type === 'app.created') break;
  }
  return found;
}

const isRevision = (type: string): boolean => type === 'app.created' || type === 'app.updated';
