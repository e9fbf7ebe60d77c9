/** What going back to a snapshot would leave behind, before somebody does it. */
import type { StreamId } from '#events/envelope.ts';
import { isOnLine, leftBehind, presentOf } from '#actors/volume/lineage.ts';
import type { UsageRow } from '#io/contract/live.ts';
import type { RollbackAnswer } from '#io/contract/rollback.ts';
import { IoError } from '../../devices/error.ts';
import { sightOf, type Row } from '../filter.ts';
import { majorityAnswers } from '../majority.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { wrongField } from '../problems.ts';
import { readQuery } from '../query.ts';
import { goneWith } from './files.ts';
import { notFound } from './view.ts';

export async function previewRollback(parts: Parts, c: RouteContext): Promise<Response> {
  const { namespace, name = '' } = c.req.param() as { namespace?: string; name?: string };
  const { snapshot: wanted } = readQuery(c, ['snapshot']);
  if (wanted === undefined || wanted === '')
    throw wrongField('snapshot', 'say which one', 'Add ?snapshot=NAME; the list of snapshots has the names.');
  await majorityAnswers(parts, c);
  const sees = sightOf('volumes', sessionOf(c).principal);
  const volume = parts.lab
    .rows('volumes')
    .find(([, row]) => row.namespace === namespace && row.name === name && sees(row as unknown as Row))?.[1];
  if (!volume) throw notFound('volume', name);
  const snapshots = parts.lab
    .rows('snapshots')
    .flatMap(([, row]) => (row.volume.id === volume.id && row.state === 'available' ? [row] : []));
  const to = snapshots.find((row) => row.name === wanted);
  if (!to) throw notFound('snapshot', wanted);

  const momentOf = ({ takenAt, requestedAt }: (typeof snapshots)[number]): number => takenAt ?? requestedAt;
  const newer = leftBehind(to, snapshots, volume.lineages).toSorted((a, b) => a.requestedAt - b.requestedAt);
  const present = presentOf(volume.lineages);
  const usage = parts.lab.observed('usage').find(([key]) => key === volume.id)?.[1] as UsageRow | undefined;
  const isBehind = isOnLine(to, volume.lineages);
  const writtenBytes = isBehind ? await written(parts, volume.id, to.name, goneWith(parts, c)) : undefined;
  const answer: RollbackAnswer = {
    snapshot: to.name,
    takenAt: momentOf(to),
    ...(usage?.usedBytes === undefined ? {} : { usedBytes: usage.usedBytes }),
    ...(writtenBytes === undefined ? {} : { writtenBytes }),
    newer: newer.map((row) => ({ snapshot: row.name, takenAt: momentOf(row), reason: row.reason, note: row.note })),
    lineage: { of: to.lineage, present, opens: present + 1 },
    app: volume.app?.name ?? null,
  };
  c.header('cache-control', 'no-store');
  return c.json(answer);
}

/** Nobody waits for a figure for longer. */
const figureWithinMs = 10_000;

/** Undefined: unknown, whatever the reason is. */
async function written(
  { files }: Parts,
  volume: StreamId<'volume'>,
  snapshot: string,
  gone: AbortSignal,
): Promise<number | undefined> {
  try {
    return await files?.written(volume, snapshot, AbortSignal.any([gone, AbortSignal.timeout(figureWithinMs)]));
  } catch (error) {
    if (error instanceof IoError) return undefined;
    throw error;
  }
}
