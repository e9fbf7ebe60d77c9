/** One row an app: what people ask about it most, its instance and its services included. */
import type { ActorState, LabView } from '#actors/actor.ts';
import { externalData } from '#actors/placement/external.ts';
import { newerImages } from '#actors/app/images.ts';
import type { PublishedPort } from '#events/app.ts';
import type { ImagePin } from '#events/values/image.ts';
import type { ServiceState } from '#events/instance.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import { defineProjection } from '../projection.ts';
import { refTo, type Ref } from '../refs.ts';
import { unheardOf, unknownState } from '../unheard.ts';
import { waitingOf } from '../waiting.ts';

export interface ServiceRow {
  readonly image: string;
  readonly ports: readonly PublishedPort[];
  readonly state: ServiceState | 'off' | typeof unknownState;
  readonly container: string | null;
  readonly exitCode: number | null;
  /** How it ended before it was last started again. */
  readonly lastExitCode: number | null;
  readonly restarts: number;
  /** What the name of the image means here: a digest, else an id; null before the first start. */
  readonly pin: string | null;
  /** The digest that its registry has under the name now, when that is another one. */
  readonly newer: string | null;
  /** When state, container or number of restarts last changed, in milliseconds since 1970. */
  readonly since: number;
}

export interface AppRow {
  readonly id: StreamId<'app'>;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly title: string | null;
  readonly icon: string | null;
  readonly url: string | null;
  /** `unknown` while it should run on a node that is down: nobody has heard of it since. */
  readonly state: string;
  /** What the lab has decided of it: the state of its machine. */
  readonly decided: string;
  /** When it, or one of its services, last became what it is now: one that ends and starts again changes no state. */
  readonly since: number;
  readonly createdAt: number;
  readonly revision: number;
  readonly services: Readonly<Record<string, ServiceRow>>;
  readonly volumes: readonly (Ref & { readonly key: string })[];
  readonly node: Ref | null;
  /** What it uses of a machine outside of its volumes, and on which node that lies once it was placed; null: nothing. */
  readonly external: { readonly paths: readonly string[]; readonly node: Ref | null } | null;
  /** While its node is down: when that was last heard of; null also when nobody knows. */
  readonly lastHeardAt: number | null;
  /** The assignment that holds it, and its epoch. */
  readonly instance: { readonly id: StreamId<'instance'>; readonly state: string; readonly epoch: number } | null;
  /** Where its images are ready, besides the node on which it is. */
  readonly imagesOn: readonly Ref[];
  /** When its registries were last asked for newer images. */
  readonly imagesCheckedAt: number | null;
  /** Services whose registries did not answer then. */
  readonly unanswered: readonly string[];
  readonly problem: Problem | null;
  readonly failedService: string | null;
  /** Why it does not run yet, or why nobody knows whether it does. */
  readonly delay: Problem | null;
}

export const appsView = defineProjection<AppRow>({
  name: 'apps',
  version: 5,
  keeps: 'table',
  apply: (rows, { event, before, after }, lab) => {
    const actor = after ?? before;
    const put = (app: ActorState<'app'>): void =>
      rows.put(app.stream, rowOf(app, lab, event.at, rows.get(app.stream)?.services));
    if (actor?.kind === 'app') {
      if (after?.final) rows.delete(event.stream);
      else if (after) put(after as ActorState<'app'>);
    } else if (actor?.kind === 'instance') {
      const app = lab.get((actor as ActorState<'instance'>).context.app);
      if (app) put(app);
    } else if (after?.kind === 'node' && after.state !== before?.state) {
      for (const instance of lab.referrers(after.stream as StreamId<'node'>, 'instance')) {
        const app = lab.get(instance.context.app);
        if (app) put(app);
      }
    }
  },
  scope: (row) => ({ verb: 'read', kind: 'app', namespace: row.namespace }),
});

type Services = AppRow['services'];

/** @param now of the event, @param known of the row before it */
function rowOf(app: ActorState<'app'>, lab: LabView, now: number, known: Services = {}): AppRow {
  const { context } = app;
  const instance = lab.referrers(app.stream, 'instance')[0];
  const unheard = unheardOf(app, instance, lab);
  const services = servicesOf(app, instance, now, known, unheard?.state === unknownState);
  return {
    id: app.stream,
    namespace: context.metadata.namespace,
    name: context.metadata.name,
    labels: context.metadata.labels,
    title: context.spec.title ?? null,
    icon: context.spec.icon ?? null,
    url: context.spec.url ?? null,
    state: unheard?.state ?? app.state,
    decided: app.state,
    since: Math.max(unheard?.since ?? app.since, ...Object.values(services).map(({ since }) => since)),
    createdAt: app.createdAt,
    revision: context.revision,
    services,
    volumes: Object.entries(context.volumes).map(([key, id]) => ({ key, id, name: refTo(lab, id)?.name ?? id })),
    node: refTo(lab, instance?.context.node),
    external: externalOf(context, lab),
    lastHeardAt: unheard?.lastHeardAt ?? null,
    instance: instance ? { id: instance.stream, state: instance.state, epoch: instance.context.epoch } : null,
    imagesOn: readyOn(app, lab),
    imagesCheckedAt: context.imagesCheckedAt,
    unanswered: context.unanswered,
    problem: context.problem,
    failedService: context.failedService,
    delay: unheard?.problem ?? waitingOf(app, lab)?.problem ?? null,
  };
}

function externalOf({ spec, tiedTo }: ActorState<'app'>['context'], lab: LabView): AppRow['external'] {
  const paths = externalData(spec);
  return paths.length === 0 ? null : { paths, node: refTo(lab, tiedTo) };
}

function servicesOf(
  app: ActorState<'app'>,
  instance: ActorState<'instance'> | undefined,
  now: number,
  known: Services,
  isUnknown: boolean,
): Services {
  const services: Record<string, ServiceRow> = {};
  const newer = new Map(newerImages(app.context));
  for (const [name, spec] of Object.entries(app.context.spec.services)) {
    const status = instance?.context.services[name];
    const row = {
      image: spec.image,
      ports: spec.ports,
      pin: pinWords(app.context.images[name]),
      newer: newer.get(name)?.digest ?? null,
      state: isUnknown ? unknownState : (status?.state ?? (instance?.state === 'starting' ? 'starting' : 'off')),
      container: status?.container ?? null,
      exitCode: status?.exitCode ?? null,
      lastExitCode: status?.lastExitCode ?? null,
      restarts: status?.restarts ?? 0,
    } as const;
    const before = known[name];
    services[name] = { ...row, since: before && isSame(row, before) ? before.since : now };
  }
  return services;
}

/** Nodes that may have to run it and have all that is pinned. */
const readyOn = ({ context }: ActorState<'app'>, lab: LabView): readonly Ref[] =>
  context.standby.flatMap((node) => {
    const held = context.held[node];
    const isReady = held !== undefined && Object.keys(context.images).every((service) => held[service] !== undefined);
    const ref = isReady ? refTo(lab, node) : null;
    return ref ? [ref] : [];
  });

const pinWords = (pin: ImagePin | undefined): string | null => pin?.digest ?? pin?.ids[0] ?? null;

const isSame = (a: Omit<ServiceRow, 'since'>, b: ServiceRow): boolean =>
  a.state === b.state && a.container === b.container && a.restarts === b.restarts;
