/**
 * The backup sets that the compose file of an app asks for: volumes of which it says the same are backed up together, by
 * one schedule that belongs to the app. Those that a person made are no business of the file.
 */
import type { AppSpec } from '#events/app.ts';
import { streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import type { ScheduleSpec } from '#events/schedule.ts';
import type { ActorState, Ask, LabView } from '../actor.ts';
import { beside, isOurs } from '../backup-target/known.ts';
import { refuseTarget } from '../backup/requests.ts';
import { clusterStream } from '../cluster/stream.ts';
import { draft, missing, newMetadata, systemNamespace } from '../drafting.ts';
import { reject, type Rejection } from '../rejection.ts';
import { nextRun } from '../schedule/next.ts';

interface Wanted {
  readonly stream: StreamId<'app'>;
  readonly name: string;
  readonly spec: AppSpec;
  /** By what the file calls them; also those that this entry makes. */
  readonly volumes: Readonly<Record<string, StreamId<'volume'>>>;
}

type Refusal = { readonly rejected: Rejection };

/** @param idFrom of the ids of the command: one for each set, at most one a volume */
export function planBackups(
  ask: Ask<{ readonly namespace: string }>,
  lab: LabView,
  app: Wanted,
  idFrom: number,
): { readonly drafts: readonly AnyDraft[] } | Refusal {
  const sets: ScheduleSpec[] = [];
  for (const keys of groupsOf(app.spec)) {
    const set = setOf(keys, app, lab);
    if ('rejected' in set) return set;
    sets.push(set);
  }
  const known = lab
    .referrers(app.stream, 'schedule')
    .filter(({ context }) => context.app === app.stream && context.spec.action === 'backup');
  // What stays as it is, then what becomes another one, which keeps its name.
  const same = new Map(
    sets.flatMap((set) =>
      pair(
        set,
        known.find(({ context }) => isSame(context.spec, set)),
      ),
    ),
  );
  const spare = known.filter((schedule) => ![...same.values()].includes(schedule));
  const zone = lab.get(clusterStream)?.context.timeZone ?? 'UTC';
  const taken = new Set<string>();
  const planned = sets
    .filter((set) => !same.has(set))
    .map((spec, n): AnyDraft => {
      const dueAt = nextRun(spec.cron, zone, ask.now);
      const old = spare.shift();
      if (old) return draft(old.stream, 'schedule.changed', { spec, dueAt });
      const id = ask.id(idFrom + n);
      const { namespace } = ask.input;
      const metadata = newMetadata(id, freeName(app.name, namespace, taken, lab), namespace);
      return draft(streamOf('schedule', id), 'schedule.created', { metadata, spec, dueAt, app: app.stream });
    });
  return { drafts: [...planned, ...spare.map(({ stream }) => draft(stream, 'schedule.removed', {}))] };
}

/** Names of volumes of which the file says the same, each group sorted, the groups by their first one. */
function groupsOf({ volumes }: AppSpec): readonly (readonly string[])[] {
  const groups = new Map<string, string[]>();
  for (const key of Object.keys(volumes).toSorted()) {
    const { backup } = volumes[key] ?? {};
    if (!backup) continue;
    const { target, schedule, keep, testRestoreEveryMs } = backup;
    const terms = JSON.stringify([target, schedule, keep, testRestoreEveryMs]);
    groups.set(terms, [...(groups.get(terms) ?? []), key]);
  }
  return [...groups.values()];
}

function setOf(keys: readonly string[], app: Wanted, lab: LabView): ScheduleSpec | Refusal {
  const { target: name = '', schedule = '', ...terms } = app.spec.volumes[keys[0] ?? '']?.backup ?? {};
  const target = lab.byName('backup-target', systemNamespace, name);
  if (!target) return missing('backup-target', systemNamespace, name);
  // One that is away for a while gets its backups later: whoever deploys an app need not wait for it.
  const refused = isOurs(target) ? undefined : refuseTarget(target);
  if (refused) return refused;
  for (const key of keys) {
    const volume = lab.get(app.volumes[key] ?? 'volume:none');
    const problem = volume && beside(volume, target);
    if (problem) return reject('INVALID', problem.message, problem.hint);
  }
  const isAll = keys.length === Object.keys(app.spec.volumes).length;
  return {
    ...{ cron: schedule, action: 'backup', app: app.stream, target: target.stream },
    ...(isAll ? {} : { volumes: [...keys] }),
    ...terms,
  };
}

const pair = (set: ScheduleSpec, schedule: ActorState<'schedule'> | undefined) =>
  schedule ? [[set, schedule] as const] : [];

const isSame = (a: ScheduleSpec, b: ScheduleSpec): boolean =>
  a.cron === b.cron &&
  a.target === b.target &&
  a.keep === b.keep &&
  a.testRestoreEveryMs === b.testRestoreEveryMs &&
  a.volumes?.join(' ') === b.volumes?.join(' ');

/** `photos-backup`, or the first of `photos-backup-2`, `-3` … that no schedule has. */
function freeName(app: string, namespace: string, taken: Set<string>, lab: LabView): string {
  for (let n = 1; ; n++) {
    const end = n === 1 ? '-backup' : `-backup-${n}`;
    const name = `${app.slice(0, 63 - end.length)}${end}`;
    if (taken.has(name) || lab.byName('schedule', namespace, name)) continue;
    taken.add(name);
    return name;
  }
}
