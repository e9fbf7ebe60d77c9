/** Snapshots that other tools took of a volume, as its node sees them now. Whoever may read its snapshots may read these. */
import { allows } from '#actors/access/scope.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { fail } from '../problems.ts';
import { readQuery } from '../query.ts';
import { goneWith, volumeOf } from './files.ts';

export async function listForeignSnapshots(parts: Parts, c: RouteContext): Promise<Response> {
  readQuery(c, []);
  const { volume, name, files } = volumeOf(parts, c);
  const { namespace = '' } = c.req.param() as { namespace?: string };
  if (!allows(sessionOf(c).principal, { verb: 'read', kind: 'snapshot', namespace }))
    throw fail('FORBIDDEN', `You may not read the snapshots of ${name}.`);
  c.header('cache-control', 'no-store');
  return c.json(await files.foreignSnapshots(volume, goneWith(parts, c)));
}
