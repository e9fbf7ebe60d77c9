/** Restores of backups: an import whose content comes out of a target, into a new volume or one that is there. */
import { streamOf, type StreamId } from '#events/envelope.ts';
import type { VolumeSpec } from '#events/volume.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import { homeOf } from '../backup-target/known.ts';
import type { Commands } from '../commands.ts';
import { draft, drafts, nameTaken, newMetadata, startOperation, withNamed } from '../drafting.ts';
import { promisedTo, refuseNew, refuseTooLarge } from '../placement/capacity.ts';
import { reject } from '../rejection.ts';
import { freeName } from '../snapshot/request.ts';
import { beingTransferred } from '../transfer/under-way.ts';
import { userOf } from '../volume/actor.ts';
import { vacated } from '../volume/loss.ts';
import { isWritten } from './known.ts';

type Backup = ActorState<'backup'>;
type Asked = Ask<Commands['restore-backup']>;

export function restoreBackup(ask: Asked, lab: LabView): Decision {
  return withNamed(lab, 'backup', ask.input, (backup) => {
    const { name, as, to } = ask.input;
    if ((as === undefined) === (to === undefined)) {
      return reject(
        'INVALID',
        'A restore goes into a new volume, or into one that is there: name one of them.',
        `floatlab backup restore ${name} --as NEW, or --to VOLUME --replace.`,
      );
    }
    if (!isWritten(backup)) {
      const { problem } = backup.context;
      return reject(
        'NOT_NOW',
        `Backup ${name} is ${backup.state}${problem ? `: ${problem.message}` : '.'}`,
        'Take another one: floatlab backup ls.',
      );
    }
    if (!lab.get(backup.context.target)) return reject('NOT_NOW', `The target of backup ${name} is gone.`);
    return as === undefined ? intoOld(ask, backup, to ?? '', lab) : intoNew(ask, backup, as, lab);
  });
}

function intoNew(ask: Asked, backup: Backup, as: string, lab: LabView): Decision {
  const { namespace } = ask.input;
  const free = vacated(namespace, as, lab);
  if ('rejected' in free) return free;
  if (lab.byName('volume', namespace, as) && free.drafts.length === 0) return nameTaken('volume', as);
  const spec = specOf(backup, ask.input);
  if ('rejected' in spec) return spec;
  const volume = streamOf('volume', ask.id(2));
  const { app } = backup.context;
  const place = placeOf(backup, spec, ask.input.pool, lab);
  const refused =
    place === undefined
      ? refuseTooLarge(`volume ${as}`, [promisedTo(spec)], lab)
      : refuseNew(`volume ${as}`, promisedTo(spec), place, lab);
  if (refused) return refused;
  return drafts(
    startOperation(ask, 'restore-backup', transferOf(ask), as, namespace),
    free.drafts,
    draft(volume, 'volume.created', {
      metadata: newMetadata(ask.id(2), as, namespace),
      spec,
      // What its app calls it: deployed again, the app finds it.
      ...(app ? { formerly: { app: app.name, volume: app.key } } : {}),
    }),
    place ? draft(volume, 'volume.placed', place) : [],
    requested(ask, backup, volume, freeName(ask.now, [], lab), false),
  );
}

function intoOld(ask: Asked, backup: Backup, to: string, lab: LabView): Decision {
  const { namespace, replace } = ask.input;
  return withNamed(lab, 'volume', { namespace, name: to }, (volume) => {
    const user = userOf(volume.stream, lab)?.context.app;
    if (user) {
      const app = lab.get(user)?.context.metadata.name ?? 'an app';
      return reject(
        'VOLUME_IN_USE',
        `Volume ${to} is in use by ${app}.`,
        `Stop the app first: floatlab app stop ${app}.`,
      );
    }
    if (volume.state !== 'ready')
      return reject('NOT_NOW', `Volume ${to} is ${volume.state}.`, 'This needs a volume that is ready.');
    const busy = beingTransferred(volume, lab);
    if (busy) return busy;
    const { takenAt, sizeBytes } = backup.context;
    if (ask.input.path === undefined && sizeBytes !== null && sizeBytes > volume.context.spec.sizeBytes) {
      return reject(
        'INVALID',
        `Backup ${ask.input.name} does not fit into volume ${to}.`,
        `Make the volume larger (floatlab volume set ${to} --size …), or restore into a new one.`,
      );
    }
    const kept = freeName(ask.now, [volume.stream], lab);
    return {
      drafts: [
        startOperation(ask, 'restore-backup', transferOf(ask), to, namespace),
        requested(ask, backup, volume.stream, kept, replace),
        draft(volume.stream, 'volume.import-began', {}),
        draft(transferOf(ask), 'transfer.began', {}),
      ],
      changes: replace
        ? [
            `What volume ${to} holds is replaced as of ${new Date(takenAt ?? 0).toISOString()}, and kept as snapshot ${kept}.`,
          ]
        : [],
    };
  });
}

const transferOf = (ask: Asked): StreamId<'transfer'> => streamOf('transfer', ask.id(1));

function requested(ask: Asked, backup: Backup, volume: StreamId<'volume'>, before: string, replace: boolean) {
  const { namespace, path } = ask.input;
  return draft(transferOf(ask), 'transfer.requested', {
    metadata: newMetadata(ask.id(1), `transfer-${ask.id(1)}`, namespace),
    volume,
    task: {
      do: 'import',
      replace,
      before,
      backup: { of: backup.stream, ...(path === undefined ? {} : { path }) },
    },
  });
}

/** As it was, without what spoke of the lab around it: copies, hooks, where it had to be. */
function specOf(
  { context: { metadata, volumeSpec, sizeBytes } }: Backup,
  asked: Commands['restore-backup'],
): VolumeSpec | ReturnType<typeof reject> {
  const { keep, owner, mode } = volumeSpec;
  const size = asked.sizeBytes ?? volumeSpec.sizeBytes;
  if (asked.path === undefined && sizeBytes !== null && size < sizeBytes)
    return reject('INVALID', `Backup ${metadata.name} does not fit into a volume of that size.`, 'Leave the size out.');
  return {
    sizeBytes: size,
    ...(keep === undefined ? {} : { keep }),
    ...(owner === undefined ? {} : { owner }),
    ...(mode === undefined ? {} : { mode }),
    ...(asked.pool === undefined ? {} : { constraints: { pool: asked.pool } }),
  };
}

/** Beside the folder that it is read from, where that is on one node and has room. */
function placeOf(backup: Backup, spec: VolumeSpec, pool: string | undefined, lab: LabView) {
  const target = lab.get(backup.context.target);
  const home = target && homeOf(target);
  const node = home === undefined ? undefined : lab.get(home);
  if (node?.state !== 'up' || node.context.cordoned) return undefined;
  const fitting = node.context.facts.pools.find(
    ({ name }) =>
      (pool === undefined || name === pool) &&
      refuseNew('volume', promisedTo(spec), { node: node.stream, pool: name }, lab) === undefined,
  );
  return fitting && { node: node.stream, pool: fitting.name };
}
