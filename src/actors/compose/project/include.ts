/**
 * `include`: services, volumes, networks, configs and secrets of another compose file, which is read as an app of its own: its
 * relative paths count from its folder, and its variables come from the `.env` there, after what the including file has.
 * The same name in both is a conflict, except where both say the same. To change what is included, it is included with
 * an override (`path` as a list), or changed by an override of the app.
 */
import { loadEnvFile, parseEnvFile, textFileAt } from '../environment.ts';
import { keysAt } from '../keys.ts';
import { quoted } from '../locate.ts';
import type { Place, Reading } from '../reading.ts';
import { topKeys } from '../top-keys.ts';
import type { Entry, MapNode, Node } from '../tree.ts';
import { isEmpty, itemsAt, textAt, wrongType, written } from '../values.ts';
import { volumeExtensionKeys } from '../x-floatlab.ts';
import type { ComposeFile, Project } from './load.ts';
import { isNothing, mapOf, mergeMaps } from './merge.ts';
import { folderOf, pathFrom } from './paths.ts';
import { extensionRule } from './rules.ts';
import { dotEnv, startScope, type Scope } from './sources.ts';

export const includeKeys = {
  of: 'an include',
  read: ['path', 'project_directory', 'env_file'],
  mayBeEmpty: [],
} as const;

/** What comes along; anything else says how the other file is an app of its own. */
const resources = ['services', 'volumes', 'networks', 'configs', 'secrets'] as const;

/** @param model the file, with what its services extend @param trail the files that include it, outermost first */
export function withIncludes(project: Project, file: ComposeFile, model: MapNode, trail: readonly string[]): MapNode {
  const entry = model.entries.get('include');
  if (!entry) return model;
  const { reading } = project;
  const entries = new Map(model.entries);
  entries.delete('include');
  const place: Place = {
    path: 'include',
    at: isNothing(entry.value) ? entry.keyAt : entry.value.at,
    node: entry.value,
  };
  if (reading.parsing.tags.get(entry.value) === 'reset') return mapOf(model, entries);
  const inside = [...trail, file.source.fileName];
  for (const item of itemsAt(reading, place, 'a list of files') ?? []) {
    if (!project.mayInclude(item)) break;
    const included = includedAt(project, file, item, inside);
    if (included) for (const kind of resources) bringIn(reading, item, entries, included, kind);
  }
  return mapOf(model, entries);
}

function includedAt(project: Project, file: ComposeFile, item: Place, trail: readonly string[]): MapNode | undefined {
  const { reading } = project;
  const wanted = wantedAt(project, item);
  const [first] = wanted?.paths ?? [];
  if (!wanted || !first) return undefined;
  const circle = wanted.paths.find(({ path }) => trail.includes(path));
  if (circle) {
    project.isComplete = false;
    const names = [...trail.slice(trail.indexOf(circle.path)), circle.path];
    return reading.report(
      circle.place,
      `These files include each other: ${names.join(' → ')}.`,
      'Remove one of these includes.',
    );
  }
  const folder = wanted.folderAt ? folderFrom(project, wanted.folderAt) : folderOf(first.path);
  if (folder === undefined) return undefined;
  const scope = scopeOf(reading, file.source.scope, folder, wanted.envFilesAt);
  const models = wanted.paths.flatMap(({ place, path }) => {
    const loaded = project.load(place, path, folder, scope);
    return loaded ? project.complete(loaded, trail) : [];
  });
  const model = project.merge(models);
  if (!model) return undefined;
  // What is not brought in is checked all the same: a slip there would cost a service.
  const keys = keysAt(reading, { path: '', at: model.at, node: model }, topKeys);
  return keys && withSettings(reading, model);
}

interface Wanted {
  readonly paths: readonly { readonly place: Place; readonly path: string }[];
  readonly folderAt: Place | undefined;
  readonly envFilesAt: Place | undefined;
}

/** @returns undefined after a report */
function wantedAt(project: Project, item: Place): Wanted | undefined {
  const { reading } = project;
  const isLong = item.node.kind === 'map';
  const keys = isLong ? keysAt(reading, item, includeKeys) : undefined;
  if (isLong && !keys) return undefined;
  const pathsAt = isLong ? keys?.get('path') : item;
  if (!pathsAt) {
    project.isComplete = false;
    return reading.report(item, 'This include has no `path`.', 'Write path: ./other/compose.yaml.');
  }
  const places = pathsAt.node.kind === 'list' && isLong ? (itemsAt(reading, pathsAt) ?? []) : [pathsAt];
  const paths = places.flatMap((place) => {
    const text = textAt(reading, place, 'the path of a compose file');
    const path = text === undefined ? undefined : project.pathAt(place, text);
    return path === undefined ? [] : [{ place, path }];
  });
  if (paths.length < places.length || paths.length === 0) {
    project.isComplete = false;
    if (places.length === 0)
      reading.report(pathsAt, 'This include names no file.', 'Write path: ./other/compose.yaml.');
    return undefined;
  }
  const filled = (place: Place | undefined): Place | undefined => (place && isEmpty(place) ? undefined : place);
  return { paths, folderAt: filled(keys?.get('project_directory')), envFilesAt: filled(keys?.get('env_file')) };
}

function folderFrom(project: Project, place: Place): string | undefined {
  const { reading } = project;
  const text = textAt(reading, place, 'the path of a folder');
  const folder = text === undefined ? undefined : pathFrom(reading, place.at, text);
  if (folder !== undefined) return folder;
  project.isComplete = false;
  if (text === undefined) return undefined;
  return reading.report(
    place,
    `${written(place)} is not a folder beside the compose file.`,
    'Choose one inside the folder of the compose file: only that is sent to the lab.',
  );
}

/** Variables of the including file go before those of the files here. */
function scopeOf(reading: Reading, outer: Scope, folder: string, place: Place | undefined): Scope {
  if (!place && folder === '.') return outer;
  const found = new Map<string, string>();
  const lookup: Scope = { variables: new Map(outer.variables), envFiles: new Map() };
  const take = (variables: ReadonlyMap<string, string> | undefined): void => {
    for (const [name, value] of variables ?? []) {
      found.set(name, value);
      if (!outer.variables.has(name)) lookup.variables.set(name, value);
    }
  };
  if (place) {
    for (const item of place.node.kind === 'list' ? (itemsAt(reading, place) ?? []) : [place]) {
      const path = textFileAt(reading, item);
      const wanted = path === undefined ? undefined : { place: item, path, required: true, format: 'compose' as const };
      take(wanted && loadEnvFile(reading, wanted, lookup)?.variables);
    }
  } else {
    const path = `${folder}/${dotEnv}`;
    reading.named.add(path);
    const file = reading.files.get(path);
    take(file && parseEnvFile(reading, path, file.content, 'compose', lookup)?.variables);
  }
  if (found.size === 0) return outer;
  return startScope([...found, ...outer.variables]);
}

/** `x-floatlab` at the top of an included file: what it says of all volumes holds for those of that file. */
function withSettings(reading: Reading, model: MapNode): MapNode {
  const entry = model.entries.get('x-floatlab');
  const volumes = model.entries.get('volumes');
  if (entry?.value.kind !== 'map' || volumes?.value.kind !== 'map') return model;
  const of: readonly string[] = volumeExtensionKeys.read;
  const settings = new Map([...entry.value.entries].filter(([key]) => of.includes(key)));
  if (settings.size === 0) return model;
  const defaults = mapOf(entry.value, settings);
  const filled = new Map<string, Entry>();
  for (const [name, volume] of volumes.value.entries) {
    const own = volume.value.kind === 'map' ? volume.value.entries : new Map<string, Entry>();
    const said = own.get('x-floatlab');
    if ((volume.value.kind !== 'map' && !isNothing(volume.value)) || (said && said.value.kind !== 'map')) {
      filled.set(name, volume);
      continue;
    }
    const value =
      said?.value.kind === 'map' ? mergeMaps(reading, 'x-floatlab', defaults, said.value, extensionRule) : defaults;
    const keyed = new Map(own).set('x-floatlab', { keyAt: said?.keyAt ?? entry.keyAt, value });
    filled.set(name, { ...volume, value: mapOf(volume.value, keyed) });
  }
  return mapOf(model, new Map(model.entries).set('volumes', { ...volumes, value: mapOf(volumes.value, filled) }));
}

function bringIn(
  reading: Reading,
  item: Place,
  into: Map<string, Entry>,
  from: MapNode,
  kind: (typeof resources)[number],
): void {
  const found = from.entries.get(kind);
  if (!found || isNothing(found.value)) return;
  if (found.value.kind !== 'map') {
    wrongType(reading, { path: kind, at: found.value.at, node: found.value }, `a map of ${kind}`);
    return;
  }
  const own = into.get(kind);
  // What is wrong with that is told by whoever reads it.
  if (own && !isNothing(own.value) && own.value.kind !== 'map') return;
  const entries = new Map(own?.value.kind === 'map' ? own.value.entries : []);
  for (const [name, entry] of found.value.entries) {
    const known = entries.get(name);
    if (!known) entries.set(name, entry);
    else if (!isSame(reading, known.value, entry.value)) conflict(reading, item, kind, name, [known, entry]);
  }
  into.set(kind, { keyAt: own?.keyAt ?? found.keyAt, value: mapOf(own ? own.value : found.value, entries) });
}

const one = {
  services: 'service',
  volumes: 'volume',
  networks: 'network',
  configs: 'config',
  secrets: 'secret',
} as const;

function conflict(
  reading: Reading,
  item: Place,
  kind: (typeof resources)[number],
  name: string,
  places: readonly Entry[],
): void {
  const [first, second] = places.map(({ keyAt }) => quoted(reading.sourceAt(keyAt).fileName));
  reading.report(
    item,
    `The ${one[kind]} ${quoted(name)} of ${second} is another one in ${first}.`,
    'Rename one of the two. To change what is included, put the change into an override: path: [other.yaml, change.yaml].',
  );
}

/** With variables replaced; as large as the smaller of the two. */
function isSame(reading: Reading, a: Node, b: Node): boolean {
  if (a === b) return true;
  if (a.kind === 'scalar')
    return b.kind === 'scalar' && isNothing(a) === isNothing(b) && reading.peek(a) === reading.peek(b);
  if (a.kind === 'list')
    return (
      b.kind === 'list' &&
      a.items.length === b.items.length &&
      a.items.every((item, n) => isSame(reading, item, b.items[n] as Node))
    );
  if (b.kind !== 'map' || a.entries.size !== b.entries.size) return false;
  return [...a.entries].every(([key, { value }]) => {
    const other = b.entries.get(key);
    return other !== undefined && isSame(reading, value, other.value);
  });
}
