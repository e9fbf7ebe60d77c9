/** Backups that are asked for, by a person or by a schedule: each with the snapshot that it is written from. */
import { streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import type { Commands } from '../commands.ts';
import { beside, withTarget } from '../backup-target/known.ts';
import { draft, drafts, newMetadata, startOperation, withNamed } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { freeName, requestSnapshot } from '../snapshot/request.ts';
import { requestSet } from '../snapshot/sets.ts';

type Volume = ActorState<'volume'>;
type Target = ActorState<'backup-target'>;

export function createBackup(ask: Ask<Commands['create-backup']>, lab: LabView): Decision {
  const { name, namespace, to } = ask.input;
  return withNamed(lab, 'volume', ask.input, (volume) =>
    withTarget(lab, to, (target) => {
      const refused = notReady(volume) ?? refuseTarget(target) ?? refuseBeside([volume], target);
      if (refused) return refused;
      return drafts(
        startOperation(ask, 'create-backup', streamOf('backup', ask.id(1)), name, namespace),
        backupsOf([volume], target, { id: ask.id, from: 1, now: ask.now, reason: 'manual' }, lab),
      );
    }),
  );
}

export function backUpApp(ask: Ask<Commands['back-up-app']>, lab: LabView): Decision {
  const { name, namespace, to } = ask.input;
  return withNamed(lab, 'app', { namespace, name }, (app) =>
    withTarget(lab, to, (target) => {
      const volumes = volumesOf(app.stream, lab);
      if (volumes.length === 0) {
        return reject(
          'NOT_NOW',
          `App ${name} has no volumes.`,
          'There is nothing to back up: its compose file is in every snapshot of the lab (floatlab cluster snapshot save FILE).',
        );
      }
      for (const volume of volumes) {
        const refused = notReady(volume);
        if (refused) return refused;
      }
      const refused = refuseTarget(target) ?? refuseBeside(volumes, target);
      if (refused) return refused;
      return drafts(
        startOperation(ask, 'back-up-app', streamOf('backup', ask.id(1)), name, namespace),
        backupsOf(volumes, target, { id: ask.id, from: 1, now: ask.now, reason: 'manual' }, lab),
      );
    }),
  );
}

/** Sorted by what the app calls them. @param keys only these */
export function volumesOf(app: StreamId<'app'>, lab: LabView, keys?: readonly string[]): readonly Volume[] {
  const known = Object.entries(lab.get(app)?.context.volumes ?? {})
    .filter(([key]) => keys === undefined || keys.includes(key))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return known.flatMap(([, stream]) => lab.get(stream) ?? []);
}

interface How {
  readonly id: Ask<unknown>['id'];
  /** Two ids of the command for each volume: the backup, then its snapshot. */
  readonly from: number;
  readonly now: number;
  readonly reason: 'manual' | 'schedule';
}

/** Of several volumes: a set, of snapshots that belong together. */
export function backupsOf(volumes: readonly Volume[], target: Target, how: How, lab: LabView): readonly AnyDraft[] {
  const { from, now, reason } = how;
  const streams = volumes.map(({ stream }) => stream);
  const named = freeName(now, streams, lab);
  const at = from + volumes.length;
  const [only] = volumes;
  const snapshots =
    volumes.length === 1 && only
      ? [requestSnapshot(only, how.id(at), now, 'backup', lab, { name: named })]
      : requestSet(volumes, { id: how.id, from: at, now, reason: 'backup', name: named }, lab);
  const set = volumes.length === 1 ? {} : { set: { id: how.id(from), size: volumes.length } };
  const taken = new Set<string>();
  const requests = volumes.map((volume, n) => {
    const { metadata, spec } = volume.context;
    const app = appOf(volume, lab);
    const id = how.id(from + n);
    return draft(streamOf('backup', id), 'backup.requested', {
      metadata: newMetadata(
        id,
        freeBackupName(metadata.name, named, metadata.namespace, lab, taken),
        metadata.namespace,
      ),
      target: target.stream,
      volume: volume.stream,
      volumeName: metadata.name,
      spec,
      snapshot: streamOf('snapshot', how.id(at + n)),
      ...(app ? { app } : {}),
      ...set,
      reason,
    });
  });
  return [...snapshots, ...requests];
}

/** Only what it is called in an app's own file brings it back to that app. */
function appOf({ stream, context }: Volume, lab: LabView) {
  const app = context.app === null ? undefined : lab.get(context.app);
  const [key] = Object.entries(app?.context.volumes ?? {}).find(([, volume]) => volume === stream) ?? [];
  return app && key !== undefined ? { name: app.context.metadata.name, key, stream: app.stream } : undefined;
}

/** `photos-db-2026-11-21-1405-07`, or the first of `…-2`, `…-3` that no backup has. @param taken by the same entry */
export function freeBackupName(
  volume: string,
  at: string,
  namespace: string,
  lab: LabView,
  taken: Set<string>,
): string {
  for (let n = 1; ; n++) {
    const end = n === 1 ? `-${at}` : `-${at}-${n}`;
    const name = `${volume.slice(0, 63 - end.length)}${end}`;
    if (taken.has(name) || lab.byName('backup', namespace, name)) continue;
    taken.add(name);
    return name;
  }
}

const notReady = ({ state, context }: Volume) =>
  state === 'ready'
    ? undefined
    : reject('NOT_NOW', `Volume ${context.metadata.name} is ${state}.`, 'A backup needs a volume that is ready.');

/** One of the volumes is in the pool of the target. */
export function refuseBeside(volumes: readonly Volume[], target: Target): ReturnType<typeof reject> | undefined {
  const [problem] = volumes.flatMap((volume) => beside(volume, target) ?? []);
  return problem && reject('INVALID', problem.message, problem.hint);
}

/** Nothing is written there, or nothing can be at the moment. */
export function refuseTarget({ state, context }: Target): ReturnType<typeof reject> | undefined {
  const { metadata, spec, problem } = context;
  if (spec.foreign) {
    return reject(
      'UNSUPPORTED',
      `Backup target ${metadata.name} belongs to another lab: it is only read here.`,
      'Add a target of this lab, in another folder or prefix.',
    );
  }
  if (spec.lent) {
    return reject(
      'UNSUPPORTED',
      `Backup target ${metadata.name} is lent to another lab.`,
      'Add a target of this lab, in another folder or pool.',
    );
  }
  if (state !== 'unreachable') return undefined;
  return reject(
    'NOT_NOW',
    `Backup target ${metadata.name} cannot be used: ${problem?.message ?? 'it does not answer'}`,
    problem?.hint ?? `Mend the cause, then: floatlab backup target test ${metadata.name}.`,
  );
}
