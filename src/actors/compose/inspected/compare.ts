/**
 * Whether a container is what a compose file would make of a service: each key that says something else, in words. What the
 * image brings is no difference, nor what engines set by themselves. Values of environments and labels are not repeated:
 * they may be secrets.
 */
import { isHostMount, type Mount, type Propagation, type PublishedPort, type ServiceSpec } from '#events/app.ts';
import type { ContainerSettings } from '#events/values/container-settings.ts';
import type { EndpointSettings, NetworkSettings } from '#events/values/network-settings.ts';
import { appFolderVolume, type BundleService } from '../model.ts';
import { isMade } from '../resolved/resolve.ts';
import { settingsKeys } from '../resolved/settings.ts';
import { defaultNetwork } from '../networks/taken.ts';
import type { ImageDefaults, InspectedMount, Inspection } from './inspection.ts';
import { unusual, usualLogs } from './usual.ts';

/** What a file says of a service, read. */
export interface WantedService {
  readonly service: string;
  readonly spec: ServiceSpec;
  readonly bundle: BundleService;
  /** Of the file, by their keys. */
  readonly networks: Readonly<Record<string, NetworkSettings>>;
}

/** What names in the file stand for on the node. */
export interface Around {
  /** As Compose calls it. */
  readonly project: string;
  /** The folder of the compose file on the node, an absolute path; undefined where nobody knows it. */
  readonly folder: string | undefined;
  /** Where volumes of the file are, where they are no volumes of the engine. */
  readonly paths?: Readonly<Record<string, string>>;
}

export interface Difference {
  readonly service: string;
  /** The key of the file: `ports`, `environment.TZ`. */
  readonly key: string;
  /** What the file says, and what runs: `nginx:1.27`; empty where it says nothing, `…` where it may be a secret. */
  readonly file: string;
  readonly runs: string;
}

export function differencesOf(
  wanted: WantedService,
  inspection: Inspection,
  image: ImageDefaults,
  around: Around,
): readonly Difference[] {
  const { service, spec, bundle } = wanted;
  const found: Difference[] = [];
  const differ = (key: string, file: string, runs: string): void => void found.push({ service, key, file, runs });
  const compare = (key: string, file: unknown, runs: unknown): void => {
    if (canonical(file) !== canonical(runs)) differ(key, shown(file), shown(runs));
  };

  if (normalImage(bundle.image) !== normalImage(inspection.image)) differ('image', bundle.image, inspection.image);
  const entrypoint = bundle.entrypoint?.length ? bundle.entrypoint : undefined;
  const command = bundle.command?.length ? bundle.command : undefined;
  compare('entrypoint', entrypoint ?? image.entrypoint, inspection.entrypoint);
  // An entry point of its own replaces the command of the image as well.
  compare('command', command ?? (entrypoint ? undefined : image.command), inspection.command);
  for (const key of unlike(variables([...image.environment, ...bundle.environment]), variables(inspection.environment)))
    differ(`environment.${key.name}`, key.inFile ? '…' : '', key.runs ? '…' : '');
  for (const key of unlike(ownLabels({ ...image.labels, ...bundle.labels }), ownLabels(inspection.labels)))
    differ(`labels.${key.name}`, key.inFile ? '…' : '', key.runs ? '…' : '');
  compare('ports', portTexts(spec.ports), portTexts(inspection.ports));
  compare('healthcheck', checked(bundle.healthcheck, image), checked(inspection.healthcheck, image));
  compare('restart', restartText(spec.restart), restartText(inspection.restart));
  const [said, runs] = [
    unusual(untold(bundle.settings ?? {}, spec.ports), image),
    unusual(untold(inspection.settings, spec.ports), image),
  ];
  for (const key of new Set([...Object.keys(said), ...Object.keys(runs)]) as Set<keyof typeof said>) {
    // What the file leaves open is the engine's choice, and of this one nobody can tell which.
    if (key === 'cgroup' && said.cgroup === undefined) continue;
    if (key === 'tmpfs') continue;
    if (key === 'logging' && isLoggedAs(said.logging, runs.logging)) continue;
    // As the file would say it.
    const [inFile, running] = [settingsKeys({ [key]: said[key] }), settingsKeys({ [key]: runs[key] })];
    const [name = key] = Object.keys({ ...inFile, ...running });
    compare(name, inFile[name], running[name]);
  }
  compareNetworks(wanted, inspection, around, differ);
  compareMounts(spec.mounts, bundle.settings?.tmpfs ?? {}, inspection, around, differ);
  for (const name of inspection.unread) differ(name, '', 'something that no compose file of FloatLab can say');
  return found;
}

/** Ports that are published are told of anyway. */
function untold({ expose = [], ...settings }: ContainerSettings, ports: readonly PublishedPort[]): ContainerSettings {
  const published = new Set(ports.map(({ target, protocol }) => `${target}/${protocol}`));
  return { ...settings, expose: expose.filter((port) => !published.has(port.includes('/') ? port : `${port}/tcp`)) };
}

/** An engine adds options of its own, and takes its own driver where none is named. */
function isLoggedAs(file: ContainerSettings['logging'], runs: ContainerSettings['logging']): boolean {
  const driver = file?.driver ?? 'json-file';
  if (runs === undefined) return usualLogs.includes(driver) && Object.keys(file?.options ?? {}).length === 0;
  const isMeant = file?.driver === undefined ? usualLogs.includes(runs.driver) : file.driver === runs.driver;
  return isMeant && Object.entries(file?.options ?? {}).every(([key, value]) => runs.options[key] === value);
}

/** Those that tools put there, to find their containers again. */
export const isOfTool = (label: string): boolean =>
  label.startsWith('com.docker.compose.') ||
  label.startsWith('floatlab.') ||
  label.startsWith('io.portainer.') ||
  label.startsWith('desktop.docker.io/');

const ownLabels = (labels: Texts): Texts =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => !isOfTool(name)));

type Differ = (key: string, file: string, runs: string) => void;

function compareNetworks(
  { service, bundle, networks }: WantedService,
  inspection: Inspection,
  { project }: Around,
  differ: Differ,
): void {
  const isApart = bundle.settings?.network !== undefined;
  const taken = isApart ? [] : Object.entries(bundle.networks ?? { [defaultNetwork]: {} });
  const wanted = new Map(taken.map(([key, endpoint]) => [networkName(project, key, networks[key]), endpoint]));
  const names = [...wanted.keys()].toSorted();
  const inside = Object.keys(inspection.networks).toSorted();
  if (canonical(names) !== canonical(inside)) return differ('networks', shown(names), shown(inside));
  for (const [name, endpoint] of wanted) {
    const own = inspection.networks[name] ?? {};
    for (const part of ['ipv4', 'ipv6', 'linkLocal', 'options'] as const)
      if (canonical(endpoint[part]) !== canonical(own[part]))
        differ(`networks.${name}.${part}`, shown(endpoint[part]), shown(own[part]));
    if (endpoint.mac !== undefined && own.mac !== undefined && endpoint.mac !== own.mac)
      differ(`networks.${name}.mac`, endpoint.mac, own.mac);
    const missing = aliasesOf(bundle, endpoint).filter((alias) => !isKnownAs(inspection, own, service, alias));
    if (missing.length > 0) differ(`networks.${name}.aliases`, missing.join(', '), (own.aliases ?? []).join(', '));
  }
}

export const networkName = (project: string, key: string, settings: NetworkSettings | undefined): string =>
  settings?.name ?? (settings?.external ? key : `${project}_${key}`);

const aliasesOf = ({ settings }: BundleService, { aliases = [] }: EndpointSettings): readonly string[] => [
  ...(settings?.aliases ?? []),
  ...aliases,
];

/** The engine answers to the name of the container as well. */
const isKnownAs = (inspection: Inspection, own: EndpointSettings, service: string, alias: string): boolean =>
  alias === service || alias === inspection.name || (own.aliases ?? []).includes(alias);

function compareMounts(
  wanted: readonly Mount[],
  tmpfs: Readonly<Record<string, string>>,
  inspection: Inspection,
  around: Around,
  differ: Differ,
): void {
  const left = new Map(inspection.mounts.filter(({ kind }) => kind !== 'tmpfs').map((mount) => [mount.target, mount]));
  for (const mount of wanted) {
    const found = left.get(mount.target);
    left.delete(mount.target);
    const propagation = isHostMount(mount) ? usualPropagation(mount.propagation) : undefined;
    const access = accessText({ readOnly: mount.readOnly, propagation });
    const sources = sourcesOf(mount, around);
    // Compose puts what stands in the file itself into the container: it mounts nothing there.
    if (!found && isMade(mount)) continue;
    if (!found) differ(`volumes ${mount.target}`, `${sources[0] ?? ''}${access}`, '');
    else if (accessText(found) !== access || !sources.includes(sourceText(found)))
      differ(`volumes ${mount.target}`, `${sources[0] ?? ''}${access}`, `${sourceText(found)}${accessText(found)}`);
  }
  for (const [target, mount] of left) differ(`volumes ${target}`, '', sourceText(mount));
  const inMemory = new Set([
    ...Object.keys(inspection.settings.tmpfs ?? {}),
    ...inspection.mounts.filter(({ kind }) => kind === 'tmpfs').map(({ target }) => target),
  ]);
  const [said, runs] = [Object.keys(tmpfs).toSorted(), [...inMemory].toSorted()];
  if (canonical(said) !== canonical(runs)) differ('tmpfs', said.join(', '), runs.join(', '));
}

const usualPropagation = (said: Propagation | undefined): Propagation | undefined =>
  said === 'rprivate' ? undefined : said;

const accessText = ({
  readOnly,
  propagation,
}: {
  readonly readOnly: boolean;
  readonly propagation?: Propagation | undefined;
}): string => `${readOnly ? ', read-only' : ''}${propagation === undefined ? '' : `, ${propagation}`}`;

/** Where what is mounted may be; the first is what people would write. */
function sourcesOf(mount: Mount, { project, folder, paths = {} }: Around): readonly string[] {
  if (isHostMount(mount)) return [withoutSlash(mount.host)];
  const { volume, subpath } = mount;
  const root = paths[volume] ?? (volume === appFolderVolume ? folder : undefined);
  const below = (path: string): string => (subpath === '.' ? path : `${path}/${subpath}`);
  if (volume === appFolderVolume) return [root === undefined ? `./${subpath}` : below(root)];
  const own = subpath === '.' ? [`${project}_${volume}`] : [];
  return [...own, ...(root === undefined ? [] : [below(root)])];
}

const sourceText = ({ volume, source }: InspectedMount): string => volume ?? withoutSlash(source);

const withoutSlash = (path: string): string => (path.length > 1 ? path.replace(/\/+$/, '') : path);

const portTexts = (ports: readonly PublishedPort[]): readonly string[] =>
  ports
    .map(({ hostIp, published, target, protocol }) => `${hostOf(hostIp)}${published}:${target}/${protocol}`)
    .toSorted();

const hostOf = (ip: string | undefined): string =>
  ip === undefined || ip === '0.0.0.0' ? '' : ip.includes(':') ? `[${ip}]:` : `${ip}:`;

const restartText = ({ condition, maxRetries }: ServiceSpec['restart']): string =>
  maxRetries === undefined || maxRetries === 0 ? condition : `${condition}:${maxRetries}`;

/** What the engine has is what was asked for, and of what was left out that of the image. */
function checked(check: BundleService['healthcheck'], image: ImageDefaults): BundleService['healthcheck'] {
  if (!check || check.test.length === 0)
    return image.healthcheck && { ...image.healthcheck, ...check, test: image.healthcheck.test };
  if (check.test[0] === 'NONE') return { test: ['NONE'] };
  return { ...image.healthcheck, ...check };
}

/** `KEY` without a value takes one away that the image has. */
function variables(lines: readonly string[]): Readonly<Record<string, string>> {
  const all = new Map<string, string>();
  for (const line of lines) {
    const equals = line.indexOf('=');
    if (equals === -1) all.delete(line);
    else all.set(line.slice(0, equals), line.slice(equals + 1));
  }
  return Object.fromEntries(all);
}

type Texts = Readonly<Record<string, string>>;

/** Keys of two maps whose values are not the same, sorted. */
const unlike = (file: Texts, runs: Texts) =>
  [...new Set([...Object.keys(file), ...Object.keys(runs)])]
    .filter((name) => file[name] !== runs[name])
    .toSorted()
    .map((name) => ({ name, inFile: Object.hasOwn(file, name), runs: Object.hasOwn(runs, name) }));

/** `nginx`, `nginx:latest` and `docker.io/library/nginx` are the same. */
function normalImage(reference: string): string {
  const name = reference.replace(/^(?:docker|index\.docker)\.io\//, '').replace(/^library\//, '');
  const last = name.slice(name.lastIndexOf('/') + 1);
  return last.includes(':') || last.includes('@') ? name : `${name}:latest`;
}

/** The same text for the same value, whatever the order of its keys. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'nothing';
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{${entries
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`)
    .join(',')}}`;
}

const shown = (value: unknown): string =>
  value === undefined
    ? ''
    : typeof value === 'string'
      ? value
      : Array.isArray(value) && value.every((one) => typeof one === 'string')
        ? value.join(', ')
        : JSON.stringify(value);
