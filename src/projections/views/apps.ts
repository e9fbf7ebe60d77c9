/** One row an app: what people ask about it most, its instance and its services included. */
import type { ActorState, LabView } from '#actors/actor.ts';
import type { PublishedPort } from '#events/app.ts';
import type { ServiceState } from '#events/instance.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import { defineProjection } from '../projection.ts';
import { refTo, type Ref } from '../refs.ts';
import { waitingOf } from '../waiting.ts';

export interface ServiceRow {
  readonly image: string;
  readonly ports: readonly PublishedPort[];
  readonly state: ServiceState | 'off';
  readonly container: string | null;
  readonly exitCode: number | null;
  /** How it ended before it was last started again. */
  readonly lastExitCode: number | null;
  readonly restarts: number;
}

export interface AppRow {
  readonly id: StreamId<'app'>;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly title: string | null;
  readonly icon: string | null;
  readonly url: string | null;
  readonly state: string;
  readonly since: number;
  readonly createdAt: number;
  readonly revision: number;
  readonly services: Readonly<Record<string, ServiceRow>>;
  readonly volumes: readonly (Ref & { readonly key: string })[];
  readonly node: Ref | null;
  /** The assignment that holds it, and its epoch. */
  readonly instance: { readonly id: StreamId<'instance'>; readonly state: string; readonly epoch: number } | null;
  readonly problem: Problem | null;
  readonly failedService: string | null;
  /** Why it does not run yet. */
  readonly delay: Problem | null;
}

export const appsView = defineProjection<AppRow>({
  name: 'apps',
  version: 2,
  keeps: 'table',
  apply: (rows, { event, before, after }, lab) => {
    const actor = after ?? before;
    if (actor?.kind === 'app') {
      if (after?.final) rows.delete(event.stream);
      else if (after) rows.put(event.stream, rowOf(after as ActorState<'app'>, lab));
    } else if (actor?.kind === 'instance') {
      const app = lab.get((actor as ActorState<'instance'>).context.app);
      if (app) rows.put(app.stream, rowOf(app, lab));
    }
  },
  scope: (row) => ({ verb: 'read', kind: 'app', namespace: row.namespace }),
});

function rowOf(app: ActorState<'app'>, lab: LabView): AppRow {
  const { context } = app;
  const instance = lab.referrers(app.stream, 'instance')[0];
  const services: Record<string, ServiceRow> = {};
  for (const [name, spec] of Object.entries(context.spec.services)) {
    const status = instance?.context.services[name];
    services[name] = {
      image: spec.image,
      ports: spec.ports,
      state: status?.state ?? (instance?.state === 'starting' ? 'starting' : 'off'),
      container: status?.container ?? null,
      exitCode: status?.exitCode ?? null,
      lastExitCode: status?.lastExitCode ?? null,
      restarts: status?.restarts ?? 0,
    };
  }
  return {
    id: app.stream,
    namespace: context.metadata.namespace,
    name: context.metadata.name,
    labels: context.metadata.labels,
    title: context.spec.title ?? null,
    icon: context.spec.icon ?? null,
    url: context.spec.url ?? null,
    state: app.state,
    since: app.since,
    createdAt: app.createdAt,
    revision: context.revision,
    services,
    volumes: Object.entries(context.volumes).map(([key, id]) => ({ key, id, name: refTo(lab, id)?.name ?? id })),
    node: refTo(lab, instance?.context.node),
    instance: instance ? { id: instance.stream, state: instance.state, epoch: instance.context.epoch } : null,
    problem: context.problem,
    failedService: context.failedService,
    delay: waitingOf(app, lab)?.problem ?? null,
  };
}
