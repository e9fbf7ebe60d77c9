/**
 * Ports of nodes: an app is refused whose ports another app, one that is to run, publishes on every node that the app
 * could go to; where there is a choice, placement takes a node on which they are free.
 */
import type { AppSpec, PublishedPort } from '#events/app.ts';
import type { StreamId } from '#events/envelope.ts';
import { clash, portKey } from '../compose/port-clash.ts';
import type { ActorState, LabView } from '../actor.ts';
import { runsApps } from '../node/known.ts';
import { reject, type Rejection } from '../rejection.ts';
import { liveInstance, wantsToRun } from './actor.ts';

interface Publisher {
  /** As a sentence names it. */
  readonly app: string;
  readonly ports: readonly PublishedPort[];
}

interface Clash {
  readonly app: string;
  readonly port: PublishedPort;
}

export const portsOf = ({ services }: AppSpec): readonly PublishedPort[] =>
  Object.values(services).flatMap(({ ports }) => ports);

/** @param node refused when an instance there holds one of the ports, whatever becomes of that instance */
export function portHeldOn(
  node: StreamId<'node'>,
  wanted: { readonly app: StreamId<'app'>; readonly ports: readonly PublishedPort[] },
  lab: LabView,
): Clash | undefined {
  if (wanted.ports.length === 0) return undefined;
  const publishers = lab
    .referrers(node, 'instance')
    // Nothing of a halted one runs.
    .filter(({ state, context }) => context.app !== wanted.app && state !== 'halted')
    .map(({ context }) => ({ app: context.metadata.name, ports: portsOf(context.spec) }));
  return firstClash(wanted.ports, publishers);
}

/** Why the app could not run with these ports. */
export function refuseTakenPorts(
  app: {
    readonly stream: StreamId<'app'>;
    readonly namespace: string;
    readonly spec: AppSpec;
    readonly volumes: readonly StreamId<'volume'>[];
  },
  lab: LabView,
): { readonly rejected: Rejection } | undefined {
  const ports = portsOf(app.spec);
  if (ports.length === 0) return undefined;
  const publishers = publishersByNode(app, lab);
  const clashes = candidatesOf(app.volumes, lab).map((node) => firstClash(ports, publishers.get(node) ?? []));
  const [first] = clashes;
  if (!first || clashes.includes(undefined)) return undefined;
  return reject(
    'PORT_IN_USE',
    `Port ${portKey(first.port)} is published by app ${first.app} already.`,
    `Choose another port of the node in the compose file, or stop ${first.app} first.`,
  );
}

/** What each node publishes, or is about to, for apps that are to run. */
function publishersByNode(
  { stream, namespace }: { readonly stream: StreamId<'app'>; readonly namespace: string },
  lab: LabView,
): ReadonlyMap<StreamId<'node'>, readonly Publisher[]> {
  const byNode = new Map<StreamId<'node'>, Publisher[]>();
  for (const other of lab.list('app')) {
    if (other.stream === stream || !wantsToRun(other.state)) continue;
    const ports = portsOf(other.context.spec);
    const node = ports.length === 0 ? undefined : placeOf(other, lab);
    if (!node) continue;
    const { metadata } = other.context;
    const app = metadata.namespace === namespace ? metadata.name : `${metadata.namespace}/${metadata.name}`;
    byNode.set(node, [...(byNode.get(node) ?? []), { app, ports }]);
  }
  return byNode;
}

/** Where it is, or can only be. */
function placeOf(app: ActorState<'app'>, lab: LabView): StreamId<'node'> | undefined {
  const instance = liveInstance(app.stream, lab);
  if (instance) return instance.context.node;
  const candidates = candidatesOf(Object.values(app.context.volumes), lab);
  return candidates.length === 1 ? candidates[0] : undefined;
}

/** The nodes that hold its volumes; all, as long as none does. */
function candidatesOf(volumes: readonly StreamId<'volume'>[], lab: LabView): readonly StreamId<'node'>[] {
  const placed = volumes.map((volume) => lab.get(volume)?.context.node ?? null).filter((node) => node !== null);
  return placed.length > 0
    ? [...new Set(placed)]
    : lab
        .list('node')
        .filter(runsApps)
        .map(({ stream }) => stream);
}

function firstClash(wanted: readonly PublishedPort[], publishers: readonly Publisher[]): Clash | undefined {
  for (const { app, ports } of publishers) {
    const taken = new Set(ports.map(portKey));
    const port = wanted.find((one) => taken.has(portKey(one)) && ports.some((other) => clash(one, other)));
    if (port) return { app, port };
  }
  return undefined;
}
