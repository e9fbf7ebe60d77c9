/**
 * A compose file becomes an app, or its next revision. Everything is parsed here, before anything is appended; what
 * the fold stores is the result. Volumes come first: existing ones that were kept are attached again.
 */
import type { AppSpec } from '#events/app.ts';
import { streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import { isName } from '#events/values/name.ts';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import type { Commands } from '../commands.ts';
import { clusterStream } from '../cluster/stream.ts';
import { liveInstance } from './actor.ts';
import { readCompose } from '../compose/read.ts';
import { draft, drafts, newMetadata, startOperation, unchanged } from '../drafting.ts';
import { namespaceExists, noNamespace } from '../namespace/decide.ts';
import { reject, type Rejection } from '../rejection.ts';
import { nextRun } from '../schedule/next.ts';

export function deploy(ask: Ask<Commands['deploy-app']>, lab: LabView): Decision {
  const { input } = ask;
  if (!namespaceExists(lab, input.namespace)) return noNamespace(input.namespace);
  const read = readCompose({ fileName: input.fileName, text: input.compose, files: input.files });
  if ('findings' in read) {
    const count = read.findings.length;
    return {
      rejected: {
        code: 'COMPOSE_INVALID',
        explain: `${input.fileName} has ${count} ${count === 1 ? 'problem' : 'problems'}.`,
        findings: read.findings,
      },
    };
  }
  const name = input.name ?? read.app.name;
  if (name === undefined) {
    return reject(
      'INVALID',
      `${input.fileName} does not say how the app is called.`,
      'Write `name: photos` at its top, or give a name.',
    );
  }
  const { spec, bundle } = read.app;
  const existing = lab.byName('app', input.namespace, name);
  if (existing?.state === 'stopping' && input.start) {
    return reject('NOT_NOW', `App ${name} is stopping.`, 'Try again when it has stopped.');
  }
  if (existing?.state === 'removing') {
    return reject('NOT_NOW', `App ${name} is being removed.`, 'Try again when it is gone.');
  }
  const stream = existing?.stream ?? streamOf('app', ask.id(1));
  const volumes = planVolumes(ask, lab, { stream, name, spec, existing });
  if ('rejected' in volumes) return volumes;

  const revision = {
    spec,
    compose: ask.blob(utf8ToBytes(input.compose)),
    bundle: ask.blob(utf8ToBytes(JSON.stringify(bundle))),
    volumes: volumes.streams,
  };
  const operation = startOperation(ask, 'deploy-app', stream, name, input.namespace);
  const starts = input.start && (existing === undefined || existing.state === 'stopped' || existing.state === 'failed');
  const start = starts ? [draft(stream, 'app.start-requested', {})] : [];
  // Volumes first: whoever sees the app sees what it stands on.
  if (!existing) {
    const metadata = newMetadata(ask.id(1), name, input.namespace);
    return drafts(operation, volumes.drafts, draft(stream, 'app.created', { metadata, ...revision }), start);
  }
  const { compose, bundle: oldBundle } = existing.context;
  if (compose === revision.compose && oldBundle === revision.bundle && volumes.drafts.length === 0) {
    return starts ? drafts(operation, start) : unchanged;
  }
  const update = draft(stream, 'app.updated', revision);
  // A failed app goes on with the new revision at once, unless that was not asked for.
  if (existing.state === 'failed' && !input.start) {
    const stopped = liveInstance(stream, lab) ? [] : [draft(stream, 'app.stopped', {})];
    return drafts(operation, volumes.drafts, draft(stream, 'app.stop-requested', {}), stopped, update);
  }
  return drafts(operation, volumes.drafts, update, existing.state === 'stopped' ? start : []);
}

interface Planned {
  readonly streams: Record<string, StreamId<'volume'>>;
  readonly drafts: readonly AnyDraft[];
}

function planVolumes(
  ask: Ask<Commands['deploy-app']>,
  lab: LabView,
  app: { stream: StreamId<'app'>; name: string; spec: AppSpec; existing: ActorState<'app'> | undefined },
): Planned | { readonly rejected: Rejection } {
  const { namespace } = ask.input;
  const streams: Planned['streams'] = {};
  const planned: AnyDraft[] = [];
  const names = new Set<string>();
  let n = 2;
  for (const [key, wanted] of Object.entries(app.spec.volumes)) {
    const name = volumeName(app.name, key);
    if (names.has(name)) {
      return reject(
        'INVALID',
        `Two volumes of ${app.name} would be called ${name}.`,
        'Rename one of them in the compose file.',
      );
    }
    names.add(name);
    if (!isName(name)) {
      return reject(
        'INVALID',
        `Volume ${key} would be called ${name}, which is not a valid name.`,
        'Shorten the name of the app or of the volume.',
      );
    }
    const volume = lab.byName('volume', namespace, name);
    // A volume that was made larger by hand stays as large: volumes do not shrink.
    const sizeBytes = Math.max(wanted.sizeBytes, volume?.context.spec.sizeBytes ?? 0);
    const spec = wanted.keep === undefined ? { sizeBytes } : { sizeBytes, keep: wanted.keep };
    const id = ask.id(n++);
    const scheduleId = ask.id(n++);
    const stream = volume?.stream ?? streamOf('volume', id);
    streams[key] = stream;
    if (!volume) {
      planned.push(
        draft(stream, 'volume.created', { metadata: newMetadata(id, name, namespace), spec, app: app.stream }),
      );
    } else {
      const owner = volume.context.app;
      if (owner !== null && owner !== app.stream) {
        return reject('VOLUME_IN_USE', `Volume ${name} is in use by another app.`, 'Rename the app or the volume.');
      }
      if (volume.state === 'deleting' || volume.context.failedIn === 'deleting')
        return reject('NOT_NOW', `Volume ${name} is being deleted.`, 'Try again when it is gone.');
      if (owner === null) planned.push(draft(stream, 'volume.attached', { app: app.stream }));
      if (JSON.stringify(spec) !== JSON.stringify(volume.context.spec))
        planned.push(draft(stream, 'volume.spec-changed', { spec }));
    }
    planned.push(
      ...planSchedule(ask, lab, {
        id: scheduleId,
        app: app.stream,
        volume: stream,
        name,
        cron: wanted.schedule,
        namespace,
      }),
    );
  }
  // A volume that the file no longer names is kept, without its app.
  for (const [key, stream] of Object.entries(app.existing?.context.volumes ?? {})) {
    if (streams[key] === undefined && lab.get(stream)?.context.app === app.stream) {
      planned.push(draft(stream, 'volume.detached', {}));
      for (const schedule of lab.referrers(stream, 'schedule')) {
        if (schedule.context.app === app.stream) planned.push(draft(schedule.stream, 'schedule.removed', {}));
      }
    }
  }
  return { streams, drafts: planned };
}

/** `photos` and `db_data` give `photos-db-data`. */
const volumeName = (app: string, key: string): string => `${app}-${key.toLowerCase().replaceAll(/[._]/g, '-')}`;

function planSchedule(
  ask: Ask<unknown>,
  lab: LabView,
  of: {
    id: string;
    app: StreamId<'app'>;
    volume: StreamId<'volume'>;
    name: string;
    cron: string | undefined;
    namespace: string;
  },
): readonly AnyDraft[] {
  const existing = lab.referrers(of.volume, 'schedule').find(({ context }) => context.app === of.app);
  if (of.cron === undefined) return existing ? [draft(existing.stream, 'schedule.removed', {})] : [];
  if (existing?.context.spec.cron === of.cron) return [];
  const dueAt = nextRun(of.cron, lab.get(clusterStream)?.context.timeZone ?? 'UTC', ask.now);
  const spec = { cron: of.cron, action: 'snapshot' as const, volume: of.volume };
  if (existing) return [draft(existing.stream, 'schedule.changed', { spec, dueAt })];
  const metadata = newMetadata(of.id, `${of.name.slice(0, 54)}-snapshot`, of.namespace);
  return [draft(streamOf('schedule', of.id), 'schedule.created', { metadata, spec, dueAt, app: of.app })];
}
