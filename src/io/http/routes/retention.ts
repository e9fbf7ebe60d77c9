/** What the retention of a volume keeps and drops, and why; of its own policy or of one that somebody thinks of. */
import { verdictsOn } from '#actors/retention/verdicts.ts';
import { parseKeep } from '#events/values/keep.ts';
import type { RetentionAnswer } from '#io/contract/retention.ts';
import { sightOf, type Row } from '../filter.ts';
import { majorityAnswers } from '../majority.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { wrongField } from '../problems.ts';
import { readQuery } from '../query.ts';
import { notFound } from './view.ts';

export async function previewRetention(parts: Parts, c: RouteContext): Promise<Response> {
  const { namespace, name = '' } = c.req.param() as { namespace?: string; name?: string };
  const { keep: wanted } = readQuery(c, ['keep']);
  const rules = wanted === undefined || wanted === '' ? [] : parseKeep(wanted);
  if (typeof rules === 'string') throw wrongField('keep', rules, 'Write for example "24h:1h 14d:1d last:3".');
  await majorityAnswers(parts, c);
  const sees = sightOf('volumes', sessionOf(c).principal);
  const volume = parts.lab
    .rows('volumes')
    .find(([, row]) => row.namespace === namespace && row.name === name && sees(row as unknown as Row))?.[1];
  if (!volume) throw notFound('volume', name);

  const keep = wanted ?? volume.keep ?? '';
  const inForce = wanted === undefined && keep !== '' ? parseKeep(keep) : rules;
  const snapshots = parts.lab.rows('snapshots').flatMap(([, row]) => (row.volume.id === volume.id ? [row] : []));
  const names = new Map<string, (typeof snapshots)[number]>(snapshots.map((row) => [row.id, row]));
  const verdicts = verdictsOn(typeof inForce === 'string' ? [] : inForce, snapshots, parts.lab.view, parts.clock.now());
  const items = verdicts.map(({ id, keep: stays, reason }) => {
    const row = names.get(id);
    return { snapshot: row?.name ?? id, takenAt: row?.takenAt ?? row?.requestedAt ?? 0, keep: stays, why: reason };
  });
  const kept = items.filter((item) => item.keep).length;
  const answer: RetentionAnswer = { keep: keep === '' ? null : keep, kept, dropped: items.length - kept, items };
  c.header('cache-control', 'no-store');
  return c.json(answer);
}
