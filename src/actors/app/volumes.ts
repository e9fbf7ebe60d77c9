/**
 * The volumes of a revision, and their schedules: made, taken over from the revision before, or attached again when
 * they were kept. A volume of this name that belongs to something else is never taken: `photos-db-data` may be the
 * volume `db-data` of photos or the volume `data` of photos-db, and nobody wants the files of the one in the other.
 */
import type { AppSpec } from '#events/app.ts';
import { streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import { isName } from '#events/values/name.ts';
import type { VolumeSpec } from '#events/volume.ts';
import type { ActorState, Ask, LabView } from '../actor.ts';
import { clusterStream } from '../cluster/stream.ts';
import { draft, newMetadata } from '../drafting.ts';
import { promisedTo, refuseGrowth, refuseTooLarge, type Growth } from '../placement/capacity.ts';
import { refuseConstraints, type Placing } from '../placement/constraints.ts';
import { reject, type Rejection } from '../rejection.ts';
import { nextRun } from '../schedule/next.ts';
import { detachmentOf } from '../volume/decide.ts';
import { deletionOf } from '../volume/deletion.ts';
import { isLost } from '../volume/volume.ts';
import { isSameSpec, misplacedBy } from '../volume/spec.ts';
import { planBackups } from './backups.ts';
import { attachExternal } from './external-volumes.ts';

interface Planned {
  readonly streams: Record<string, StreamId<'volume'>>;
  readonly drafts: readonly AnyDraft[];
}

interface Planning {
  readonly stream: StreamId<'app'>;
  readonly name: string;
  readonly spec: AppSpec;
  readonly existing: ActorState<'app'> | undefined;
}

type Refusal = { readonly rejected: Rejection };
type Asked = Ask<{ readonly namespace: string; readonly attach?: readonly string[] }>;

export function planVolumes(ask: Asked, lab: LabView, app: Planning): Planned | Refusal {
  const { namespace } = ask.input;
  const streams: Planned['streams'] = {};
  const planned: AnyDraft[] = [];
  const names = new Map<string, string>();
  const scheduleNames = new Set<string>();
  const growths: Growth[] = [];
  const newBytes: number[] = [];
  const placings: Placing[] = [];
  /** Volumes that were lost, in whose place new ones come, and names of schedules that go with them. */
  const replaced = new Set<StreamId>();
  const leaving = new Set<string>();
  const unknown = ask.input.attach?.find((key) => !Object.hasOwn(app.spec.volumes, key));
  if (unknown !== undefined) {
    const keys = Object.keys(app.spec.volumes).join(', ') || 'none';
    return reject('INVALID', `The compose file has no volume ${unknown} to attach.`, `Its volumes are: ${keys}.`);
  }
  let n = 2;
  for (const [key, wanted] of Object.entries(app.spec.volumes)) {
    if (wanted.external) {
      const used = attachExternal(wanted.external, { ...app, namespace }, lab);
      if ('rejected' in used) return used;
      const { volume } = used;
      const twin = Object.entries(streams).find(([, stream]) => stream === volume.stream)?.[0];
      if (twin !== undefined) {
        const { name } = wanted.external;
        return reject('INVALID', `Volumes ${twin} and ${key} are both ${name}.`, 'Mount one of them twice instead.');
      }
      streams[key] = volume.stream;
      planned.push(...used.drafts);
      if (volume.state === 'unplaced') newBytes.push(promisedTo(volume.context.spec));
      placings.push(
        volume.state === 'unplaced' ? volume.context.spec : { constraints: volume.context.spec.constraints },
      );
      continue;
    }
    const name = volumeName(app.name, key);
    const wrong = checkName(app.name, key, name, names.get(name));
    if (wrong) return wrong;
    names.set(name, key);
    const found = lab.byName('volume', namespace, name);
    const spec = specOf(wanted, found?.context.spec);
    // There is nothing in it to take over: it is begun anew.
    const isAnew = found !== undefined && isLost(found.context) && isOwn(found, app);
    if (isAnew) {
      replaced.add(found.stream);
      for (const { context } of lab.referrers(found.stream, 'schedule')) leaving.add(context.metadata.name);
      planned.push(...deletionOf(found, lab));
    }
    const volume = isAnew ? undefined : found;
    const id = ask.id(n++);
    const scheduleId = ask.id(n++);
    const stream = volume?.stream ?? streamOf('volume', id);
    streams[key] = stream;
    if (volume) {
      const taken = takeOver(volume, app, { spec, isMeant: ask.input.attach?.includes(key) ?? false }, lab);
      if ('rejected' in taken) return taken;
      planned.push(...taken.drafts);
    } else {
      planned.push(
        draft(stream, 'volume.created', { metadata: newMetadata(id, name, namespace), spec, app: app.stream }),
      );
    }
    if (!volume || volume.state === 'unplaced') {
      placings.push(spec);
      newBytes.push(promisedTo(spec));
    } else {
      // How it is made is settled.
      placings.push({ constraints: spec.constraints });
      growths.push({ volume, spec });
      const misplaced = misplacedBy(volume, spec, lab);
      if (misplaced) return misplaced;
    }
    planned.push(
      ...planSchedule(
        ask,
        lab,
        { id: scheduleId, app: app.stream, volume: stream, name, cron: wanted.schedule },
        scheduleNames,
        leaving,
      ),
    );
  }
  // All that have no place yet come to one node.
  const what = `the volumes of app ${app.name}`;
  const tooLarge =
    refuseConstraints(what, placings, lab) ?? refuseTooLarge(what, newBytes, lab) ?? refuseGrowth(what, growths, lab);
  if (tooLarge) return tooLarge;
  const backups = planBackups(ask, lab, { ...app, volumes: streams }, n);
  if ('rejected' in backups) return backups;
  const gone = givenUp(app.existing, streams, replaced, lab);
  return { streams, drafts: [...planned, ...gone, ...backups.drafts] };
}

/** What the file says, and what only a person can have said; a volume that was made larger by hand stays as large. */
function specOf(
  { schedule: _, backup: __, external: ___, ...wanted }: AppSpec['volumes'][string],
  known: VolumeSpec | undefined,
): VolumeSpec {
  const sizeBytes = Math.max(wanted.sizeBytes, known?.sizeBytes ?? 0);
  if (!known) return { ...wanted, sizeBytes };
  const { owner, mode, recordSizeBytes, compression, replicas } = known;
  return {
    ...wanted,
    sizeBytes,
    ...(owner === undefined ? {} : { owner }),
    ...(mode === undefined ? {} : { mode }),
    ...(recordSizeBytes === undefined ? {} : { recordSizeBytes }),
    ...(compression === undefined ? {} : { compression }),
    // Copies that somebody has asked for are not given up because the file does not speak of them.
    ...(wanted.replicas || !replicas ? {} : { replicas }),
  };
}

/** `photos` and `db_data` give `photos-db-data`. */
const volumeName = (app: string, key: string): string => `${app}-${key.toLowerCase().replaceAll(/[._]/g, '-')}`;

/** @param twin the key of another volume that would be called the same */
function checkName(app: string, key: string, name: string, twin: string | undefined): Refusal | undefined {
  if (twin !== undefined) {
    return reject(
      'INVALID',
      `Two volumes of ${app} would be called ${name}: ${twin} and ${key}.`,
      'Rename one of them in the compose file.',
    );
  }
  if (isName(name)) return undefined;
  return reject(
    'INVALID',
    `Volume ${key} would be called ${name}, which is not a valid name.`,
    'Shorten the name of the app or of the volume.',
  );
}

/** It is the app's, or nobody's. */
const isOwn = ({ context }: ActorState<'volume'>, app: Planning): boolean =>
  context.app === null || context.app === app.stream;

function takeOver(
  volume: ActorState<'volume'>,
  app: Planning,
  { spec, isMeant }: { readonly spec: VolumeSpec; readonly isMeant: boolean },
  lab: LabView,
): { readonly drafts: readonly AnyDraft[] } | Refusal {
  const { stream, state, context } = volume;
  const { name } = context.metadata;
  const owner = context.app;
  if (state === 'deleting' || context.failedIn === 'deleting')
    return reject('NOT_NOW', `Volume ${name} is being deleted.`, 'Try again when it is gone.');
  // It would be purged with the app on it: recovered first, it is a volume again.
  if (state === 'discarded') {
    return reject(
      'NOT_NOW',
      `Volume ${name} was deleted, and goes for good after a while.`,
      `Take it back (floatlab volume recover ${name} --as ${name}), or give it another name.`,
    );
  }
  if (owner !== null && owner !== app.stream) {
    const other = lab.get(owner)?.context.metadata.name ?? 'another app';
    return reject('VOLUME_IN_USE', `Volume ${name} is in use by app ${other}.`, 'Rename the app or the volume.');
  }
  if (owner === null && context.formerly?.app !== app.name && !isMeant) return strange(name, context.formerly);
  const isOther = !isSameSpec(spec, context.spec);
  return {
    drafts: [
      ...(owner === null ? [draft(stream, 'volume.attached', { app: app.stream })] : []),
      ...(isOther ? [draft(stream, 'volume.spec-changed', { spec })] : []),
    ],
  };
}

function strange(name: string, formerly: ActorState<'volume'>['context']['formerly']): Refusal {
  const whose = formerly
    ? `it holds what app ${formerly.app} kept in its volume ${formerly.volume}`
    : 'nothing says that it was made for this app';
  return reject(
    'NAME_TAKEN',
    `There is already a volume ${name}, and ${whose}.`,
    `If it is meant, deploy with --attach; else rename the app or the volume in the compose file, or delete what is there: floatlab volume rm ${name}.`,
  );
}

/** A volume that the file no longer names is kept, without its app. */
function givenUp(
  app: ActorState<'app'> | undefined,
  streams: Planned['streams'],
  replaced: ReadonlySet<StreamId>,
  lab: LabView,
): readonly AnyDraft[] {
  if (!app) return [];
  const kept = new Set<StreamId>([...Object.values(streams), ...replaced]);
  return Object.values(app.context.volumes).flatMap((stream) => {
    const volume = lab.get(stream);
    if (kept.has(stream) || volume?.context.app !== app.stream) return [];
    const schedules = lab.referrers(stream, 'schedule').filter(({ context }) => context.app === app.stream);
    return [detachmentOf(volume, app), ...schedules.map((schedule) => draft(schedule.stream, 'schedule.removed', {}))];
  });
}

function planSchedule(
  ask: Asked,
  lab: LabView,
  of: {
    readonly id: string;
    readonly app: StreamId<'app'>;
    readonly volume: StreamId<'volume'>;
    readonly name: string;
    readonly cron: string | undefined;
  },
  taken: Set<string>,
  leaving: ReadonlySet<string>,
): readonly AnyDraft[] {
  const existing = lab.referrers(of.volume, 'schedule').find(({ context }) => context.app === of.app);
  if (of.cron === undefined) return existing ? [draft(existing.stream, 'schedule.removed', {})] : [];
  if (existing?.context.spec.cron === of.cron) return [];
  const dueAt = nextRun(of.cron, lab.get(clusterStream)?.context.timeZone ?? 'UTC', ask.now);
  const spec = { cron: of.cron, action: 'snapshot' as const, volume: of.volume };
  if (existing) return [draft(existing.stream, 'schedule.changed', { spec, dueAt })];
  const { namespace } = ask.input;
  const metadata = newMetadata(of.id, freeName(of.name, namespace, { taken, leaving }, lab), namespace);
  return [draft(streamOf('schedule', of.id), 'schedule.created', { metadata, spec, dueAt, app: of.app })];
}

/**
 * `photos-db-snapshot`, or the first of `photos-db-snapshot-2`, `-3` … that no schedule has: a person may have made one
 * of this name, and long names are cut.
 *
 * @param names `taken`: that this plan gives; `leaving`: of what goes with it
 */
function freeName(
  volume: string,
  namespace: string,
  { taken, leaving }: { readonly taken: Set<string>; readonly leaving: ReadonlySet<string> },
  lab: LabView,
): string {
  for (let n = 1; ; n++) {
    const end = n === 1 ? '-snapshot' : `-snapshot-${n}`;
    const name = `${volume.slice(0, 63 - end.length)}${end}`;
    if (taken.has(name) || (lab.byName('schedule', namespace, name) && !leaving.has(name))) continue;
    taken.add(name);
    return name;
  }
}
