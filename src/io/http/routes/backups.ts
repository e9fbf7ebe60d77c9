/** Backups beside their rows: the kit, targets of other labs, and the compose file in a backup. */
import { allows } from '#actors/access/scope.ts';
import { attachBody } from '#io/contract/backups.ts';
import { problemOfRejection } from '#io/contract/problem.ts';
import type { TargetStore } from '#events/backup-target.ts';
import { openKit, type KitTarget } from '../../backup-kit/kit.ts';
import { IoError } from '../../devices/error.ts';
import { RecoveryError } from '../../pki/recovery-key.ts';
import { checked, readJson } from '../body.ts';
import { deadline } from '../deadline.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { fail, ProblemError } from '../problems.ts';
import { readQuery } from '../query.ts';
import { mayOnCluster } from './cluster.ts';
import { bodyOf } from './command.ts';
import { goneWith } from './files.ts';
import { notFound } from './view.ts';

const decidedWithinMs = 30_000;
const readWithinMs = 120_000;

/** It opens every backup, with the recovery key: for those who may change the lab. */
export async function backupKit(parts: Parts, c: RouteContext): Promise<Response> {
  mayOnCluster(c, 'write');
  readQuery(c, []);
  const kit = parts.backups?.kit;
  if (!kit) {
    throw fail('NOT_NOW', 'Of this lab nothing is kept: there is no kit.', {
      hint: 'A simulated lab has no recovery key.',
    });
  }
  const content = await kit();
  parts.log.info({ by: sessionOf(c).principal }, 'a kit for backups was written');
  c.header('cache-control', 'no-store');
  return c.body(content, 200, {
    'content-type': 'application/json',
    'content-disposition': 'attachment; filename="floatlab-backup-kit.json"',
  });
}

export async function attachBackupTarget(parts: Parts, c: RouteContext): Promise<Response> {
  mayOnCluster(c, 'write');
  readQuery(c, []);
  const { kit, recoveryKey, target, as, node, path } = checked(attachBody, await readJson(c));
  const found = opened(() => openKit(kit, recoveryKey, target));
  const request = {
    id: parts.random.id(),
    since: parts.lab.index,
    name: 'add-backup-target' as const,
    input: { name: as ?? found.name, store: placed(found.store, node, path), secrets: found.secrets },
    by: sessionOf(c).principal,
    dryRun: false,
  };
  const limit = deadline(parts.clock, decidedWithinMs);
  const result = await parts.lab.run(request, limit.signal).finally(() => limit.done());
  if ('rejected' in result) throw new ProblemError(problemOfRejection(result.rejected));
  c.header('cache-control', 'no-store');
  return c.json(bodyOf(result, false), result.operation === undefined ? 200 : 202);
}

/** Nodes of the other lab mean nothing here. */
function placed(store: TargetStore, node: string | undefined, path: string | undefined) {
  if (store.kind === 's3') return store;
  if (store.kind === 'lab') return { ...store, appendOnly: store.appendOnly ?? false };
  if (store.kind === 'pool' && path === undefined) {
    throw fail('INVALID', `That target was in pool ${store.pool} of the other lab.`, {
      hint: 'Mount that pool on a node of this lab, and say the folder of its dataset there: --path and --node.',
    });
  }
  return {
    kind: 'directory' as const,
    path: path ?? (store.kind === 'pool' ? '' : store.path),
    ...(node === undefined ? {} : { node }),
  };
}

function opened(open: () => KitTarget): KitTarget {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof RecoveryError) && !(error instanceof IoError)) throw error;
    throw fail('INVALID', `The kit cannot be opened: ${error.message}.`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

export async function backupFiles(parts: Parts, c: RouteContext): Promise<Response> {
  readQuery(c, []);
  const { namespace = '', name = '' } = c.req.param() as { namespace?: string; name?: string };
  const row = parts.lab.rows('backups').find(([, one]) => one.namespace === namespace && one.name === name)?.[1];
  // A compose file has passwords: whoever may deploy it may read it.
  if (!row || !parts.backups || !allows(sessionOf(c).principal, { verb: 'write', kind: 'app', namespace }))
    throw notFound('backup', name, namespace, false);
  const limit = deadline(parts.clock, readWithinMs, goneWith(parts, c));
  try {
    const files = await parts.backups.files.app(row.id, limit.signal);
    c.header('cache-control', 'no-store');
    return c.json(files);
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    throw fail('NOT_NOW', `Backup ${name} cannot be read: ${error.message}.`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  } finally {
    limit.done();
  }
}
