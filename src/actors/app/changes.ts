/**
 * What is different between two revisions of an app, service by service: pure, and never a value of an environment,
 * because those may be secrets.
 */
import { isVolumeMount, type AppSpec, type Mount, type PublishedPort, type ServiceSpec } from '#events/app.ts';
import { defaultNetwork } from '../compose/networks/taken.ts';
import { portKey } from '../compose/port-clash.ts';
import { appFolderVolume, type Bundle, type BundleService } from '../compose/model.ts';
import { withParents } from '../compose/reading.ts';
import type { Files } from './files.ts';

export interface Revision {
  readonly spec: AppSpec;
  /** Undefined: it is not at hand, and what it holds is not compared. */
  readonly bundle: Bundle | undefined;
  readonly files: Files | undefined;
}

type Change = 'added' | 'changed' | 'removed';

export interface ServiceChange {
  readonly service: string;
  readonly change: Change | 'same';
  /** Each part that is different, in words. */
  readonly what: readonly string[];
}

export interface RevisionChanges {
  /** Sorted by name. */
  readonly services: readonly ServiceChange[];
  readonly files: readonly { readonly path: string; readonly change: Change }[];
}

export function compareRevisions(before: Revision, after: Revision): RevisionChanges {
  const files = before.files && after.files ? differences(before.files, after.files) : [];
  const names = [...new Set([...Object.keys(before.spec.services), ...Object.keys(after.spec.services)])].toSorted();
  const services = names.map((service): ServiceChange => {
    const [old, now] = [before.spec.services[service], after.spec.services[service]];
    if (!old || !now) return { service, change: now ? 'added' : 'removed', what: now ? [`image ${now.image}`] : [] };
    const what = [
      ...specChanges(old, now),
      ...bundleChanges(before.bundle?.services[service], after.bundle?.services[service]),
      ...networkChanges(before.bundle, after.bundle, service),
      ...mountedFiles(now.mounts, files),
    ];
    return { service, change: what.length > 0 ? 'changed' : 'same', what };
  });
  return { services, files: files.map(({ key, change }) => ({ path: key, change })) };
}

/** @param restarts whether the app is to run: a new revision stops all of its services and starts them again */
export function changeWords({ services, files }: RevisionChanges, restarts: boolean): readonly string[] {
  const same = services.filter(({ change }) => change === 'same').map(({ service }) => service);
  return [
    ...services.filter(({ change }) => change !== 'same').map((service) => serviceWords(service, restarts)),
    ...(same.length > 0 ? [sameWords(same, restarts)] : []),
    ...files.map(({ path, change }) => `File ${path} is ${change}.`),
  ];
}

function serviceWords({ service, change, what }: ServiceChange, restarts: boolean): string {
  const list = what.join('; ');
  switch (change) {
    case 'added':
      return `Service ${service} is new: ${list}.`;
    case 'removed':
      return `Service ${service} goes.`;
    default:
      return `Service ${service}: ${list}.${restarts ? ' It is restarted.' : ''}`;
  }
}

function sameWords(services: readonly string[], restarts: boolean): string {
  const [only, ...others] = services;
  const end = restarts ? ', and restarted with the app' : '';
  return others.length === 0
    ? `Service ${only} is as before${end}.`
    : `Services ${services.join(', ')} are as before${end}.`;
}

function specChanges(old: ServiceSpec, now: ServiceSpec): readonly string[] {
  return [
    ...(old.image === now.image ? [] : [`image ${old.image} → ${now.image}`]),
    ...portChanges(old.ports, now.ports),
    ...keyed('mount', byTarget(old.mounts), byTarget(now.mounts)),
    ...(sameJson(old.restart, now.restart) ? [] : [`restart ${restartWords(old)} → ${restartWords(now)}`]),
    ...(old.platform === now.platform ? [] : ['platform']),
    ...(sameJson(old.dependsOn, now.dependsOn) ? [] : ['what it depends on']),
  ];
}

const restartWords = ({ restart: { condition, maxRetries } }: ServiceSpec): string =>
  maxRetries === undefined ? condition : `${condition}:${maxRetries}`;

/** `8080 → 8081` would not say which went where when there are several. */
const portChanges = (old: readonly PublishedPort[], now: readonly PublishedPort[]): readonly string[] =>
  keyed('port', byPublished(old), byPublished(now));

const byPublished = (ports: readonly PublishedPort[]): Record<string, unknown> =>
  Object.fromEntries(
    ports.map((port) => [port.hostIp === undefined ? portKey(port) : `${port.hostIp}:${portKey(port)}`, port.target]),
  );

const byTarget = (mounts: readonly Mount[]): Record<string, unknown> =>
  Object.fromEntries(mounts.map((mount) => [mount.target, mount]));

/** What only the bundle tells: the command, the environment, labels and the healthcheck. */
function bundleChanges(old: BundleService | undefined, now: BundleService | undefined): readonly string[] {
  if (!old || !now) return [];
  return [
    ...(sameJson(old.command, now.command) ? [] : ['command']),
    ...(sameJson(old.entrypoint, now.entrypoint) ? [] : ['entrypoint']),
    ...keyed('environment', byKey(old.environment), byKey(now.environment)),
    ...keyed('label', old.labels, now.labels),
    ...(sameJson(old.healthcheck, now.healthcheck) ? [] : ['healthcheck']),
    ...keyed('setting', { ...old.settings }, { ...now.settings }),
  ];
}

/** How it is in each of its networks, and how those are made. */
function networkChanges(before: Bundle | undefined, after: Bundle | undefined, service: string): readonly string[] {
  if (!before?.services[service] || !after?.services[service]) return [];
  return keyed('network', networksIn(before, service), networksIn(after, service));
}

const networksIn = ({ services, networks = {} }: Bundle, service: string): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(services[service]?.networks ?? { [defaultNetwork]: {} }).map(([key, endpoint]) => [
      key,
      { endpoint, made: networks[key] ?? {} },
    ]),
  );

const byKey = (environment: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    environment.map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );

const mountedFiles = (
  mounts: readonly Mount[],
  files: readonly { readonly key: string; readonly change: Change }[],
): readonly string[] => {
  const mounted = new Set(
    mounts.filter(isVolumeMount).flatMap(({ volume, subpath }) => (volume === appFolderVolume ? [subpath] : [])),
  );
  return listed(
    'file',
    files.filter(({ key }) => withParents(key).some((path) => mounted.has(path))),
  );
};

const keyed = (
  noun: string,
  old: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
): readonly string[] => listed(noun, differences(old, now));

const most = 8;

/** `environment DEBUG added, MODE changed` */
function listed(noun: string, found: readonly { readonly key: string; readonly change: Change }[]): readonly string[] {
  if (found.length === 0) return [];
  const shown = found.slice(0, most).map(({ key, change }) => `${key} ${change}`);
  if (found.length > most) shown.push(`${found.length - most} more`);
  return [`${noun} ${shown.join(', ')}`];
}

/** Sorted by key. */
function differences(
  old: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
): readonly { readonly key: string; readonly change: Change }[] {
  const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])].toSorted();
  const changeOf = (key: string): Change | undefined => {
    if (!Object.hasOwn(old, key)) return 'added';
    if (!Object.hasOwn(now, key)) return 'removed';
    return sameJson(old[key], now[key]) ? undefined : 'changed';
  };
  return keys.flatMap((key) => {
    const change = changeOf(key);
    return change ? [{ key, change }] : [];
  });
}

/** Both come from the same reader, which writes keys in one order. */
const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
