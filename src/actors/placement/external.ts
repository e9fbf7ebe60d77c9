/**
 * Data of an app that lies outside of its volumes, in paths of a machine. Nothing moves it and nothing copies it: so the
 * app runs on the node where it lies, and on no other one until a person says that it lies there, too. That node is
 * the one of `placement` in its file, else the one on which the app was first placed.
 *
 * A share is the exception: what the file says is the same on every node that has it mounted ties the app to those.
 */
import { isHostMount, type AppSpec } from '#events/app.ts';
import type { StreamId } from '#events/envelope.ts';
import { isWithin } from '#events/values/path.ts';
import type { ActorState, LabView } from '../actor.ts';
import { systemNamespace } from '../drafting.ts';
import { hostPathKind } from './host-paths.ts';

const hostMounts = ({ services }: Pick<AppSpec, 'services'>) =>
  Object.values(services).flatMap(({ mounts }) => mounts.filter(isHostMount));

const shareOf = ({ placement }: AppSpec, path: string): string | undefined =>
  placement?.shares?.find((share) => isWithin(path, share));

/** Paths of data that lies on one machine, sorted. What is written is never taken for a share. */
export const externalData = (spec: AppSpec): readonly string[] =>
  sorted(
    hostMounts(spec)
      .filter(({ host }) => hostPathKind(host) === 'data')
      .filter(({ host, readOnly }) => !readOnly || shareOf(spec, host) === undefined)
      .map(({ host }) => host),
  );

/** Mount points that a node must have, sorted. */
const neededShares = (spec: AppSpec): readonly string[] =>
  sorted(hostMounts(spec).flatMap(({ host, readOnly }) => (readOnly ? (shareOf(spec, host) ?? []) : [])));

const sorted = (paths: readonly string[]): readonly string[] => [...new Set(paths)].toSorted();

/** `/mnt/media`, `/mnt/media and 2 more` */
export const pathWords = ([first = '', ...others]: readonly string[]): string =>
  others.length === 0 ? first : `${first} and ${others.length} more`;

/** What of an app decides on which node it may be, besides its volumes and ports. */
export interface Ties {
  /** Why not on any node but this one. */
  readonly node?: { readonly is: (node: ActorState<'node'>) => boolean; readonly why: string };
  readonly shares: readonly string[];
  /** What its images are made for: `linux/arm64`. */
  readonly platforms: readonly string[];
  /** Paths of data that it mounts, shares included, */
  readonly paths: readonly string[];
  /** and the volumes of the lab, of which none may be there. */
  readonly volumes: readonly ActorState<'volume'>[];
}

export function tiesOf(app: ActorState<'app'>, lab: LabView): Ties {
  const { spec } = app.context;
  const paths = sorted(hostMounts(spec).flatMap(({ host }) => (hostPathKind(host) === 'data' ? [host] : [])));
  const volumes = paths.length === 0 ? [] : lab.list('volume').filter(({ context }) => context.path !== null);
  const platforms = sorted(Object.values(spec.services).flatMap(({ platform }) => platform ?? []));
  return { ...nodeTie(app, lab), shares: neededShares(spec), platforms, paths, volumes };
}

function nodeTie({ context: { spec, tiedTo } }: ActorState<'app'>, lab: LabView): Pick<Ties, 'node'> {
  const named = spec.placement?.node;
  const data = externalData(spec);
  if (named !== undefined && (data.length === 0 || tiedTo === null)) {
    return {
      node: { is: ({ context }) => context.metadata.name === named, why: `is not ${named}, which its file names` },
    };
  }
  if (data.length === 0 || tiedTo === null) return {};
  const where = nodeName(tiedTo, lab);
  const said = `external data at ${pathWords(data)} is on ${where}`;
  if (named === undefined || named === where)
    return { node: { is: ({ stream }) => stream === tiedTo, why: `is not where its data is: ${said}` } };
  return { node: { is: () => false, why: `cannot have it: its file names ${named}, and its ${said}` } };
}

export const nodeName = (node: StreamId<'node'>, lab: LabView): string =>
  lab.get(node)?.context.metadata.name ?? 'a node that is no longer of this lab';

export const nodeCalled = (name: string, lab: LabView): ActorState<'node'> | undefined =>
  lab.byName('node', systemNamespace, name);

/** @returns why an app with these ties cannot be on the node; undefined when it can */
export function tieRefusal(ties: Ties, node: ActorState<'node'>): string | undefined {
  const { node: tie, shares, platforms, paths, volumes } = ties;
  if (tie && !tie.is(node)) return tie.why;
  const taken = volumes.find(
    ({ context }) => context.node === node.stream && paths.some((path) => overlap(path, context.path ?? '')),
  );
  if (taken)
    return `keeps volume ${taken.context.metadata.name} at ${taken.context.path ?? ''}: that is mounted by its name`;
  const { architecture } = node.context.facts;
  const unfit = platforms.find((platform) => platform.split('/')[1] !== architecture);
  if (unfit !== undefined) return `is linux/${architecture}, and an image is for ${unfit}`;
  const has = new Set(node.context.facts.shares?.map(({ path }) => path));
  const lacking = shares.filter((share) => !has.has(share));
  return lacking.length === 0 ? undefined : `has nothing mounted at ${lacking.join(', ')}`;
}

const overlap = (a: string, b: string): boolean => isWithin(a, b) || isWithin(b, a);
