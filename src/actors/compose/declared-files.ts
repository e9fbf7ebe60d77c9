/**
 * The top-level `configs` and `secrets`, and what services take of them: files that are mounted read-only. What stands in
 * the compose file itself, or in a variable, becomes a file of the app's own folder, too: like every file there it moves
 * with the app.
 */
import type { Mount } from '#events/app.ts';
import { containerPath } from '#events/values/path.ts';
import { keysAt } from './keys.ts';
import { quoted } from './locate.ts';
import { appFolderVolume, type BundleFile } from './model.ts';
import { checkComposeName } from './names.ts';
import { pathFrom } from './project/paths.ts';
import type { Place, Reading } from './reading.ts';
import { nearest } from './suggest.ts';
import { booleanAt, entriesAt, isEmpty, itemsAt, stringAt, textAt, written, type KeyedPlace } from './values.ts';

export type FileKind = 'configs' | 'secrets';

/** Path in the folder of the app; undefined: it was reported, and a service that takes it is not a second finding. */
type DeclaredFile = { readonly subpath: string; readonly made?: BundleFile } | undefined;
export type DeclaredFiles = Readonly<Record<FileKind, ReadonlyMap<string, DeclaredFile>>>;

const one = { configs: 'a config', secrets: 'a secret' } as const;

const unread = { template_driver: '', driver: '', driver_opts: '' };
export const declaredFileKeys = {
  configs: {
    of: one.configs,
    read: ['file', 'content', 'environment', 'name', 'labels', 'external'],
    unread,
    extensions: true,
  },
  secrets: { of: one.secrets, read: ['file', 'environment', 'name', 'labels', 'external'], unread, extensions: true },
} as const;
type DeclaredKey = (typeof declaredFileKeys)['configs']['read'][number];

export const takenFileKeys = {
  of: 'a file of a service',
  read: ['source', 'target', 'uid', 'gid', 'mode'],
  extensions: true,
} as const;

/** In the folder of the app, where nobody else keeps anything; copies and archives of the app have it, too. */
const madePath = (kind: FileKind, name: string): string => `.compose/${kind}/${name}`;

export function declaredFilesAt(reading: Reading, place: Place, kind: FileKind): ReadonlyMap<string, DeclaredFile> {
  const found = new Map<string, DeclaredFile>();
  if (isEmpty(place)) return found;
  for (const entry of entriesAt(reading, place) ?? []) {
    const isNamed = checkComposeName(reading, { path: entry.path, at: entry.keyAt }, one[kind], entry.key);
    const file = declaredAt(reading, entry, kind);
    found.set(entry.key, isNamed ? file : undefined);
  }
  return found;
}

function declaredAt(reading: Reading, entry: KeyedPlace, kind: FileKind): DeclaredFile {
  const known: {
    readonly of: string;
    readonly read: readonly DeclaredKey[];
    readonly unread: Record<string, string>;
    readonly extensions: true;
  } = declaredFileKeys[kind];
  const keys = keysAt(reading, entry, known);
  if (!keys) return undefined;
  const external = keys.get('external');
  if (external && booleanAt(reading, external) !== false)
    return reading.report(
      external,
      `FloatLab does not use ${kind} that were made elsewhere.`,
      'Put the file beside the compose file, and write file: ./NAME.',
    );
  for (const key of ['name', 'labels'] as const) {
    const at = keys.get(key);
    if (at) reading.note(at, `\`${key}\` of ${one[kind]} changes nothing.`, 'Remove it.');
  }
  const sources = (['file', 'content', 'environment'] as const).filter((key) => keys.has(key));
  const [source] = sources;
  if (source === undefined || sources.length > 1) {
    const choice = known.read.filter((key) => ['file', 'content', 'environment'].includes(key)).join(', ');
    return reading.report(
      entry,
      `${quoted(entry.key)} needs exactly one of: ${choice}.`,
      'Write for example file: ./NAME.',
    );
  }
  const at = keys.get(source) as Place;
  if (source === 'file') return fileAt(reading, at);
  const text = source === 'content' ? stringAt(reading, at) : variableAt(reading, at);
  if (text === undefined) return undefined;
  const path = madePath(kind, entry.key);
  // As Docker has it: the program of the container need not be root.
  return { subpath: path, made: { path, content: base64(text), mode: 0o444 } };
}

function fileAt(reading: Reading, place: Place): DeclaredFile {
  const text = textAt(reading, place, 'a path beside the compose file');
  if (text === undefined) return undefined;
  const subpath = pathFrom(reading, place.at, text);
  if (subpath === undefined || subpath === '.' || subpath.length > 1024)
    return reading.report(
      place,
      `${written(place)} is not a file beside the compose file.`,
      'Put it there: file: ./NAME.',
    );
  reading.named.add(subpath);
  if (reading.files.has(subpath)) return { subpath };
  return reading.report(
    place,
    `${written(place)} names a file that is not there.`,
    'Create it beside the compose file.',
  );
}

/** By its name. */
function variableAt(reading: Reading, place: Place): string | undefined {
  const name = textAt(reading, place, 'the name of a variable');
  if (name === undefined) return undefined;
  const value = reading.sourceAt(place.at).scope.variables.get(name);
  if (value !== undefined) return value;
  return reading.report(
    place,
    `Variable ${written(place)} is not set.`,
    'Write it into the file .env beside the compose file.',
  );
}

const base64 = (text: string): string => {
  let binary = '';
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
};

/** What a service takes. Names, or maps with a place of their own. */
export function takenFilesAt(
  reading: Reading,
  place: Place,
  kind: FileKind,
  declared: ReadonlyMap<string, DeclaredFile>,
): readonly Mount[] {
  if (isEmpty(place)) return [];
  return (itemsAt(reading, place) ?? []).flatMap((item) => takenAt(reading, item, kind, declared) ?? []);
}

function takenAt(
  reading: Reading,
  place: Place,
  kind: FileKind,
  declared: ReadonlyMap<string, DeclaredFile>,
): Mount | undefined {
  const isLong = place.node.kind === 'map';
  const keys = isLong ? keysAt(reading, place, takenFileKeys) : undefined;
  if (isLong && !keys) return undefined;
  const sourceAt = isLong ? keys?.get('source') : place;
  if (!sourceAt) return reading.report(place, `This does not name ${one[kind]}.`, 'Write source: NAME.');
  const name = textAt(reading, sourceAt, `the name of ${one[kind]}`);
  if (name === undefined) return undefined;
  for (const key of ['uid', 'gid', 'mode'] as const) {
    const at = keys?.get(key);
    if (at)
      reading.note(at, `\`${key}\` changes nothing: the file is mounted as it is.`, 'Give the file itself its mode.');
  }
  if (!declared.has(name))
    return reading.report(sourceAt, `${written(sourceAt)} is not declared in this file.`, () => {
      const meant = nearest(name, [...declared.keys()]);
      return meant === undefined ? `Add it under the top-level \`${kind}:\`.` : `Did you mean ${quoted(meant)}?`;
    });
  const file = declared.get(name);
  const targetAt = keys?.get('target');
  const said = targetAt ? textAt(reading, targetAt, 'a path in the container') : name;
  if (!file || said === undefined) return undefined;
  const target = said.startsWith('/') ? said : `${kind === 'secrets' ? '/run/secrets' : ''}/${said}`;
  if (!containerPath.safeParse(target).success || target === '/')
    return reading.report(
      targetAt ?? place,
      `${written(targetAt ?? place)} is not a path in the container.`,
      'Leave out "..".',
    );
  return { volume: appFolderVolume, subpath: file.subpath, target, readOnly: true };
}

/** Files that are written for the app, by path. */
export const madeFiles = (declared: DeclaredFiles): ReadonlyMap<string, Omit<BundleFile, 'path'>> =>
  new Map(
    [...declared.configs.values(), ...declared.secrets.values()].flatMap((file) =>
      file?.made ? [[file.made.path, { content: file.made.content, mode: file.made.mode }] as const] : [],
    ),
  );
