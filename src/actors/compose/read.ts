/**
 * Reads the compose files of an app: text in, a specification and a bundle out, or findings that say what is wrong, where,
 * and what to do. Pure: the files beside the first one are handed in.
 *
 * ```text
 * texts ─ trees (aliases, places) ─ one tree (project/: extends, includes, overrides) ─ keys (interpolated, checked one by one)
 *       ─ checks across services ─ spec, bundle
 * ```
 *
 * Nothing is dropped silently: what FloatLab does not read is refused. Whatever the text, reading ends soon: its
 * length, parts, values, services, environments and expanded characters are all limited.
 */
import { isVolumeMount } from '#events/app.ts';
import { insideFolder } from '#events/values/path.ts';
import { declaredFilesAt, madeFiles, type DeclaredFiles } from './declared-files.ts';
import { checkCircles } from './depends-on.ts';
import { parseEnvFile } from './environment.ts';
import { noteExternalData } from './host-binds.ts';
import { keysAt, type Keys } from './keys.ts';
import type { ComposeApp, ComposeInput, ComposeResult } from './model.ts';
import { checkComposeName, checkName, slugOf } from './names.ts';
import { withAliases } from './links.ts';
import { networksAt, type DeclaredNetworks } from './networks/declared.ts';
import { checkPortClashes } from './ports.ts';
import { chosen, noteLeftOut, profilesVariable } from './profiles.ts';
import { maxComposeChars, Project } from './project/load.ts';
import { dotEnv } from './project/sources.ts';
import { startReading, type Place, type Reading } from './reading.ts';
import { serviceAt, type ReadService, type Surroundings } from './service.ts';
import { settingsOf, toBundle, toSpec, usesFolder } from './to-spec.ts';
import { nearest } from './suggest.ts';
import { topKeys } from './top-keys.ts';
import { emptyAt } from './tree.ts';
import { entriesAt, stringAt, written } from './values.ts';
import { withVolumesFrom } from './volumes-from.ts';
import { volumesAt, type DeclaredVolume } from './volumes.ts';
import { appExtensionAt, type AppExtension } from './x-floatlab.ts';

const maxServices = 200;

/** @returns the app, or at least one and at most 50 findings, sorted by position */
export function readCompose(input: ComposeInput): ComposeResult {
  const reading = newReading(input);
  const app = readApp(reading);
  return app && !reading.failed() ? { app: { ...app, notes: reading.notes() } } : { findings: reading.findings() };
}

/**
 * The paths beside the first file that it and the others name, and `.env`: what to hand in before they are read. A path
 * may be a file, a folder (of which everything is meant), or nothing. Variables in a path count when `.env` is handed in
 * already, and a compose file names others only once it is: whoever hands them in asks again.
 */
export function namedPaths(input: ComposeInput): readonly string[] {
  const reading = newReading(input);
  readApp(reading, { evenIncomplete: true });
  return [...new Set([dotEnv, ...reading.named])].toSorted();
}

/** What the app is called by its file, also where that has findings elsewhere; undefined when it does not say. */
export function namedApp(input: ComposeInput): string | undefined {
  const reading = newReading(input);
  const project = new Project(reading);
  const files = input.text.length > maxComposeChars ? undefined : project.start();
  const tree = files && project.merge(files.map(({ root }) => root));
  if (!tree) return undefined;
  readDotEnv(reading);
  const keys = keysAt(reading, { path: '', at: tree.at, node: tree }, topKeys);
  const extensionAt = keys?.get('x-floatlab');
  return keys && readName(reading, keys, extensionAt ? appExtensionAt(reading, extensionAt) : { volumes: {} });
}

const newReading = ({ fileName, text, files }: ComposeInput): Reading =>
  startReading(fileName, text, new Map(Object.entries(files)));

const top: Place = { path: '', at: 0, node: emptyAt(0) };

type TopKeys = Keys<(typeof topKeys.read)[number]>;

/** @param options whether to go on where files are missing: what stands in them is missed then, too */
function readApp(
  reading: Reading,
  { evenIncomplete = false }: { readonly evenIncomplete?: boolean } = {},
): Omit<ComposeApp, 'notes'> | undefined {
  const { text } = reading.main;
  if (text.length > maxComposeChars) {
    return reading.report(top, 'A compose file has at most 1 MiB.', 'Put large values into files beside it.');
  }
  for (const path of reading.files.keys()) {
    if (insideFolder(path) !== path || path === '.') {
      reading.report(top, 'A file was handed in whose path is not inside the folder of the compose file.');
    }
  }
  const project = new Project(reading);
  const started = project.start();
  if (!started) return undefined;
  readDotEnv(reading);
  const tree = project.merge(started.map((file) => project.complete(file)));
  if (!tree || !(project.isComplete || evenIncomplete)) return undefined;
  const keys = keysAt(reading, { path: '', at: tree.at, node: tree }, topKeys);
  if (!keys) return undefined;
  noteMisspelt(reading, tree.entries);

  const extensionAt = keys.get('x-floatlab');
  const serviceNames = namesOf(keys.get('services'));
  const extension = extensionAt ? appExtensionAt(reading, extensionAt, serviceNames) : { volumes: {} };
  const name = readName(reading, keys, extension);
  const volumesPlace = keys.get('volumes');
  const volumes = volumesPlace ? volumesAt(reading, volumesPlace, serviceNames) : new Map<string, DeclaredVolume>();
  const [configsAt, secretsAt] = [keys.get('configs'), keys.get('secrets')];
  const files: DeclaredFiles = {
    configs: configsAt ? declaredFilesAt(reading, configsAt, 'configs') : new Map(),
    secrets: secretsAt ? declaredFilesAt(reading, secretsAt, 'secrets') : new Map(),
  };
  const networksPlace = keys.get('networks');
  const networks: DeclaredNetworks = networksPlace ? networksAt(reading, networksPlace) : new Map();
  const services = readServices(reading, keys, {
    volumes,
    files,
    networks: new Set(networks.keys()),
  });
  noteUnused(reading, volumes, services);
  noteExternalData(reading, extension.placement);
  for (const settings of [...(usesFolder(services) ? [{}] : []), ...[...volumes.values()].map((one) => one.settings)])
    checkGrowth(reading, settingsOf(settings, extension.volumes));
  return {
    name,
    spec: toSpec(services, volumes, extension),
    bundle: toBundle(services, networks, new Map([...reading.files, ...madeFiles(files)])),
  };
}

/** Less than its size would keep no room at all. */
function checkGrowth(reading: Reading, { sizeBytes, growToBytes, growToAt }: ReturnType<typeof settingsOf>): void {
  if (growToBytes === undefined || growToAt === undefined || growToBytes >= sizeBytes) return;
  reading.report(
    growToAt,
    `${written(growToAt)} is less than the size of the volume.`,
    'Room to grow counts the size in, which is 1 GiB where the file does not say it: choose more than that, or leave it out.',
  );
}

const namesOf = (place: Place | undefined): ReadonlySet<string> =>
  new Set(place?.node.kind === 'map' ? place.node.entries.keys() : []);

function readDotEnv(reading: Reading): void {
  const file = reading.files.get(dotEnv);
  const { scope } = reading.main;
  const read = file && parseEnvFile(reading, dotEnv, file.content, 'compose', scope);
  for (const [name, value] of read?.variables ?? []) scope.variables.set(name, value);
}

function readName(reading: Reading, keys: TopKeys, extension: AppExtension): string | undefined {
  const version = keys.get('version');
  if (version) {
    const at = { path: version.path, at: version.keyAt };
    stringAt(reading, version);
    reading.note(at, '`version` is obsolete and changes nothing.', 'Remove it.');
  }
  const place = keys.get('name');
  const name = place && stringAt(reading, place, 'the name of the app');
  if (!place) return extension.title === undefined ? undefined : slugOf(extension.title);
  if (name === undefined) return undefined;
  const isPlain = place.node.kind === 'scalar' && place.node.text === name;
  if (isPlain) return checkName(reading, place, 'an app', name) ? name : undefined;
  return slugOf(name) === name
    ? name
    : reading.report(place, 'This cannot be the name of an app.', 'Use lower-case letters, digits and "-".');
}

function readServices(
  reading: Reading,
  keys: TopKeys,
  declared: Pick<Surroundings, 'volumes' | 'files' | 'networks'>,
): readonly ReadService[] {
  const place = keys.get('services');
  if (!place) {
    reading.report(top, 'The file has no `services`.', 'Add for example services: {web: {image: "nginx:1.27"}}.');
    return [];
  }
  const entries = entriesAt(reading, place, 'a map of services') ?? [];
  if (place.node.kind === 'map' && entries.length === 0) reading.report(place, 'The file has no services.', 'Add one.');
  if (entries.length > maxServices) {
    reading.report(place, `An app has at most ${maxServices} services.`, 'Split it into several apps.');
    return [];
  }
  const around = {
    services: new Set(entries.map(({ key }) => key)),
    environments: { chars: 0 },
    ...declared,
  };
  const all: ReadService[] = [];
  for (const entry of entries) {
    checkComposeName(reading, { path: entry.path, at: entry.keyAt }, 'a service', entry.key);
    const service = serviceAt(reading, entry, around);
    if (service) all.push(service);
  }
  checkCircles(reading, new Map(all.map(({ name, dependencies }) => [name, dependencies])));
  const services = withVolumesFrom(withAliases(chosen(reading, all)));
  noteLeftOut(reading, all, services);
  if (all.length > 0 && services.length === 0)
    reading.report(
      place,
      'Every service has a profile, and none of them is asked for.',
      `Write ${profilesVariable}=… into the file .env beside the compose file.`,
    );
  checkPortClashes(
    reading,
    services.flatMap(({ ports }) => ports),
  );
  checkHealth(reading, services);
  return services;
}

/** Waiting for a check that is switched off would never end. */
function checkHealth(reading: Reading, services: readonly ReadService[]): void {
  const health = new Map(services.map((service) => [service.name, service.health]));
  for (const { dependency, place } of services.flatMap(({ dependencies }) => dependencies)) {
    if (dependency.condition !== 'service_healthy') continue;
    if (health.get(dependency.service) === 'disabled') {
      reading.report(
        place,
        'This waits until a service is healthy whose healthcheck is disabled.',
        'Wait for service_started, or remove `disable`.',
      );
    } else if (health.get(dependency.service) === 'unknown') {
      reading.note(
        place,
        'This waits until a service is healthy that has no `healthcheck` here: its image must bring one.',
        'Add a healthcheck to that service.',
      );
    }
  }
}

/** `x-` keys are ignored, so a slip in `x-floatlab` would cost the snapshots. */
function noteMisspelt(reading: Reading, entries: ReadonlyMap<string, { readonly keyAt: number }>): void {
  for (const [key, { keyAt }] of entries) {
    if (key.startsWith('x-') && key !== 'x-floatlab' && nearest(key, ['x-floatlab']) !== undefined) {
      reading.note({ path: '', at: keyAt }, 'This key is ignored.', 'Did you mean `x-floatlab`?');
    }
  }
}

function noteUnused(
  reading: Reading,
  volumes: ReadonlyMap<string, DeclaredVolume>,
  services: readonly ReadService[],
): void {
  const used = new Set(services.flatMap(({ mounts }) => mounts.filter(isVolumeMount).map(({ volume }) => volume)));
  for (const [name, { place, host }] of volumes) {
    if (!used.has(name) && host === undefined)
      reading.note(place, 'No service mounts this volume.', 'Mount it, or remove it.');
  }
}
