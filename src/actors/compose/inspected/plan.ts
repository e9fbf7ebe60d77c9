/**
 * What would become of a project that runs on a node if it were handed over: which compose file describes it, what each of
 * its mounts is in the lab, and what has to be done, with what interrupts it. Pure: what the node found is given, and
 * nothing is changed by a plan.
 *
 * The file that people wrote is kept when it says what runs. Where it is gone, is not read, or says something else, one is
 * written from the containers.
 */
import type { ServiceSpec } from '#events/app.ts';
import type { EndpointSettings, NetworkSettings } from '#events/values/network-settings.ts';
import { formatSize } from '#events/values/size.ts';
import { hostPathRefusal } from '../../placement/host-paths.ts';
import { appFolderVolume, type ComposeApp, type ComposeInput, type Finding } from '../model.ts';
import { slugOf } from '../names.ts';
import { defaultNetwork } from '../networks/taken.ts';
import { readCompose } from '../read.ts';
import { problemWords } from '../render.ts';
import { differencesOf, type Around, type Difference } from './compare.ts';
import type { ImageDefaults, InspectedMount, Inspection } from './inspection.ts';
import { stepsOf } from './steps.ts';
import { composeText, roomFor, type MountSource, type ServiceToWrite } from './write.ts';

export interface FoundContainer {
  readonly service: string;
  readonly inspection: Inspection;
  readonly image: ImageDefaults;
}

/** What lies at the source of a mount, on the node. */
export interface SourceFacts {
  readonly what: 'folder' | 'file' | 'other' | 'missing';
  /** For example `ext4`, `nfs4`. */
  readonly fileSystem: string;
  /** Other machines have it as well. */
  readonly isShared: boolean;
  /** Undefined: they could not be counted in the time. */
  readonly bytes: number | undefined;
  /** It is a dataset or subvolume of a pool of the lab, and can become a volume where it is. */
  readonly adoptable?: { readonly pool: string; readonly native: string };
  /** Other projects that mount it, or a part of it. */
  readonly users: readonly string[];
}

export interface FoundProject {
  readonly node: string;
  readonly project: string;
  /** Made by Compose. */
  readonly isCompose: boolean;
  /** Of the compose file, an absolute path. */
  readonly folder: string | undefined;
  /** The compose file as it lies on the node, or why it is not there. */
  readonly file: ComposeInput | { readonly why: string };
  readonly containers: readonly FoundContainer[];
  /** By the path of the source. */
  readonly sources: ReadonlyMap<string, SourceFacts>;
}

export const mountKinds = ['adopted', 'copied', 'external', 'share', 'problem'] as const;

export interface MountPlan {
  readonly service: string;
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly becomes: (typeof mountKinds)[number];
  /** Of the app, as its file calls it; null where it becomes none. */
  readonly volume: string | null;
  /** Where it is adopted: what its pool calls it. */
  readonly pool: string | null;
  readonly native: string | null;
  readonly bytes: number | null;
  /** One sentence for a person. */
  readonly words: string;
}

export interface PlanStep {
  readonly words: string;
  /** The app does not answer meanwhile. */
  readonly interrupts: boolean;
  /** How it is done by hand; null where there is nothing to type. */
  readonly command: string | null;
}

export interface AdoptionPlan {
  readonly node: string;
  readonly project: string;
  /** What the app would be called. */
  readonly app: string;
  readonly containers: readonly { readonly id: string; readonly name: string; readonly service: string }[];
  readonly file: {
    /** `original`: as it lies on the node. */
    readonly origin: 'original' | 'written';
    readonly name: string;
    readonly text: string;
    /** Why the original is not taken; null when it is. */
    readonly why: string | null;
  };
  /** Where the original says something else than what runs. */
  readonly differences: readonly Difference[];
  /** What FloatLab does not read of the file that would be used. */
  readonly findings: readonly Finding[];
  readonly mounts: readonly MountPlan[];
  readonly steps: readonly PlanStep[];
  /** What keeps it from being handed over, in sentences. */
  readonly problems: readonly string[];
}

export function planAdoption(found: FoundProject): AdoptionPlan {
  const app = slugOf(found.project) ?? 'app';
  const mounts = found.containers.flatMap((container) => mountsOf(found, container));
  const written = writtenFile(found, app, mounts);
  const original = originalOf(found);
  const taken = original.fits ? original.input : { fileName: 'compose.yaml', text: written, files: {} };
  const again = original.fits ? undefined : readCompose(taken);
  const findings = again && 'findings' in again ? again.findings : [];
  const unsaid = again && 'app' in again ? comparedWith(found, again.app, placesOf(mounts)) : [];
  const problems = [
    ...manyOf(found.containers),
    ...mounts.filter(({ becomes }) => becomes === 'problem').map(({ service, words }) => `${service}: ${words}`),
    ...(findings.length > 0 ? [`The file that was written for it is refused: ${problemWords(findings)}`] : []),
    ...unsaid.map(({ service, key, runs }) => `${service}: no compose file says ${key} (${runs}).`),
  ];
  return {
    node: found.node,
    project: found.project,
    app,
    containers: found.containers.map(({ service, inspection: { id, name } }) => ({ id, name, service })),
    file: {
      origin: original.fits ? 'original' : 'written',
      name: taken.fileName,
      text: taken.text,
      why: original.fits ? null : original.why,
    },
    differences: original.fits ? [] : original.differences,
    findings: original.fits ? [] : [...original.findings, ...findings],
    mounts,
    steps:
      problems.length > 0 ? [] : stepsOf({ found, app, mounts, fileName: original.fits ? taken.fileName : undefined }),
    problems,
  };
}

type Original =
  | { readonly fits: true; readonly input: ComposeInput }
  | {
      readonly fits: false;
      readonly why: string;
      readonly differences: readonly Difference[];
      readonly findings: readonly Finding[];
    };

function originalOf(found: FoundProject): Original {
  const { file } = found;
  if ('why' in file) return { fits: false, why: file.why, differences: [], findings: [] };
  const read = readCompose(file);
  if ('findings' in read)
    return { fits: false, why: problemWords(read.findings), differences: [], findings: read.findings };
  const differences = comparedWith(found, read.app);
  if (differences.length === 0) return { fits: true, input: file };
  return { fits: false, why: `${file.fileName} says something else than what runs.`, differences, findings: [] };
}

/** Services of the file, and containers, each against the other. */
/** @param paths where volumes of the file are now, where they are none of the engine */
export function comparedWith(
  found: FoundProject,
  { spec, bundle }: Omit<ComposeApp, 'notes'>,
  paths: NonNullable<Around['paths']> = {},
): readonly Difference[] {
  const around: Around = { project: found.project, folder: found.folder, paths };
  const all: Difference[] = [];
  const byService = new Map(found.containers.map((one) => [one.service, one]));
  for (const [service, serviceSpec] of Object.entries(spec.services)) {
    const container = byService.get(service);
    const bundled = bundle.services[service];
    if (!bundled) continue;
    if (!container) all.push({ service, key: 'services', file: service, runs: '' });
    else {
      const wanted = { service, spec: serviceSpec, bundle: bundled, networks: bundle.networks ?? {} };
      all.push(...differencesOf(wanted, container.inspection, container.image, around));
    }
  }
  for (const service of byService.keys())
    if (!spec.services[service]) all.push({ service, key: 'services', file: '', runs: service });
  return all;
}

/** FloatLab runs one container of each service. */
function manyOf(containers: readonly FoundContainer[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { service } of containers) counts.set(service, (counts.get(service) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > 1)
    .map(([service, count]) => `${service} runs ${count} times: FloatLab runs each service once. Scale it to 1 first.`);
}

function mountsOf(found: FoundProject, { service, inspection }: FoundContainer): readonly MountPlan[] {
  return inspection.mounts
    .filter(({ kind }) => kind !== 'tmpfs')
    .map((mount) => {
      const facts = found.sources.get(mount.source);
      const { source, target, readOnly } = mount;
      const bytes = facts?.bytes ?? null;
      const rest = { service, source: mount.volume ?? source, target, readOnly, bytes };
      const none = { volume: null, pool: null, native: null };
      const refuse = (words: string): MountPlan => ({ ...rest, ...none, becomes: 'problem', words });
      if (mount.kind === 'other' || mount.driver !== undefined)
        return refuse(`What is at ${target} is made by ${mount.driver ?? 'something that FloatLab does not know'}.`);
      if (!facts || facts.what === 'missing') return refuse(`${source} is not there.`);
      const volume = volumeKey(found, mount);
      const isAdopted = facts.adoptable !== undefined && facts.what === 'folder';
      const isCopied = mount.kind === 'volume' || inFolder(found, mount) !== undefined;
      const refused = isAdopted || isCopied ? undefined : hostPathRefusal(source, readOnly, source);
      if (refused) return refuse(`${refused.message} ${refused.hint}`);
      if (facts.isShared || facts.users.length > 0) {
        const why = facts.isShared
          ? `is on ${facts.fileSystem}, from another machine`
          : `is mounted by ${facts.users.join(', ')}, too`;
        return { ...rest, ...none, becomes: 'share', words: `${rest.source} ${why}: it stays what it is, a share.` };
      }
      if (isAdopted && facts.adoptable) {
        const { pool, native } = facts.adoptable;
        const words = `${native} of pool ${pool} becomes volume ${volume} where it is.`;
        return { ...rest, volume, pool, native, becomes: 'adopted', words };
      }
      const size = bytes === null ? 'how many bytes nobody has counted' : formatSize(bytes);
      if (isCopied) {
        const words = `${rest.source} is copied into volume ${volume}, while the app is stopped: ${size}.`;
        return { ...rest, ...none, volume, becomes: 'copied', words };
      }
      const what =
        facts.what === 'other' ? 'a socket or a device' : facts.what === 'file' ? 'a file' : `a folder, ${size}`;
      return {
        ...rest,
        ...none,
        becomes: 'external',
        words: `${source} stays where it is (${what}), and pins the app to ${found.node}.`,
      };
    });
}

/** What becomes a volume, where it is now. */
const placesOf = (mounts: readonly MountPlan[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    mounts.flatMap(({ volume, source }) => (volume === null || volume === appFolderVolume ? [] : [[volume, source]])),
  );

/** Beside the compose file: where. */
function inFolder({ folder }: FoundProject, { kind, source }: InspectedMount): string | undefined {
  if (kind !== 'bind' || folder === undefined) return undefined;
  if (source === folder) return '.';
  return source.startsWith(`${folder}/`) ? source.slice(folder.length + 1) : undefined;
}

/** Of the app; anonymous ones are called after where they are. */
function volumeKey(found: FoundProject, mount: InspectedMount): string {
  const { project } = found;
  const { volume, source, target } = mount;
  const isAnonymous = volume !== undefined && /^[0-9a-f]{64}$/.test(volume);
  if (volume !== undefined && !isAnonymous)
    return keyOf(volume.startsWith(`${project}_`) ? volume.slice(project.length + 1) : volume);
  if (inFolder(found, mount) !== undefined && !found.sources.get(source)?.adoptable) return appFolderVolume;
  return keyOf((isAnonymous ? target : source).split('/').at(-1) ?? '');
}

const keyOf = (text: string): string => {
  const key = slugOf(text) ?? 'data';
  return key === appFolderVolume ? 'data' : key;
};

function writtenFile(found: FoundProject, app: string, mounts: readonly MountPlan[]): string {
  const volumes: Record<string, number> = {};
  const networks: Record<string, NetworkSettings> = {};
  const seen = new Set<string>();
  const services: ServiceToWrite[] = [];
  for (const { service, inspection, image } of found.containers) {
    if (seen.has(service)) continue;
    seen.add(service);
    const sources = inspection.mounts
      .filter(({ kind }) => kind !== 'tmpfs')
      .map((mount) => {
        const plan = mounts.find((one) => one.service === service && one.target === mount.target);
        const source = sourceOf(found, mount, plan);
        if (source.kind === 'volume')
          volumes[source.key] = Math.max(volumes[source.key] ?? 0, roomFor(plan?.bytes ?? 0));
        return { ...mount, source };
      });
    const taken = Object.entries(inspection.networks).map(([name, endpoint]): [string, EndpointSettings] => {
      const key = networkKey(found, name);
      if (key !== defaultNetwork) networks[key] = isOwn(found, name) ? {} : { name, external: true };
      return [key, key === defaultNetwork ? withoutOwn(endpoint, service) : endpoint];
    });
    services.push({
      ...{ service, inspection, image, mounts: sources },
      networks: Object.fromEntries(taken),
      dependsOn: dependenciesOf(inspection, new Set(found.containers.map((one) => one.service))),
    });
  }
  return composeText({ name: app, services, volumes, networks });
}

const withoutOwn = (endpoint: EndpointSettings, service: string): EndpointSettings => {
  const { aliases = [], ...others } = endpoint;
  const further = aliases.filter((alias) => alias !== service);
  return { ...others, ...(further.length > 0 && { aliases: further }) };
};

/** The usual bridge of the engine has no names: the network of the app does all that it did. */
const networkKey = (found: FoundProject, name: string): string =>
  name === 'bridge' || name === `${found.project}_default`
    ? defaultNetwork
    : keyOfNetwork(isOwn(found, name) ? name.slice(found.project.length + 1) : name);

const keyOfNetwork = (name: string): string => slugOf(name) ?? 'net';
const isOwn = ({ isCompose, project }: FoundProject, name: string): boolean =>
  isCompose && name.startsWith(`${project}_`);

function sourceOf(found: FoundProject, mount: InspectedMount, plan: MountPlan | undefined): MountSource {
  const subpath = inFolder(found, mount);
  if (plan?.volume !== null && plan?.volume !== undefined && plan.volume !== appFolderVolume)
    return { kind: 'volume', key: plan.volume };
  if (plan?.volume === appFolderVolume && subpath !== undefined) return { kind: 'folder', subpath };
  return { kind: 'host', path: mount.source };
}

const conditions: readonly ServiceSpec['dependsOn'][number]['condition'][] = [
  'service_started',
  'service_healthy',
  'service_completed_successfully',
];

/** Compose notes them: `db:service_healthy:false,cache:service_started:true`. */
function dependenciesOf({ labels }: Inspection, services: ReadonlySet<string>): ServiceSpec['dependsOn'] {
  const noted = labels['com.docker.compose.depends_on'] ?? '';
  return noted.split(',').flatMap((text) => {
    const [service = '', how] = text.split(':');
    const condition = conditions.find((one) => one === how) ?? 'service_started';
    return services.has(service) ? [{ service, condition, required: true }] : [];
  });
}
