/**
 * `volumes` of a service. A named volume is one that the file declares; a path beside the compose file is a path in
 * the app's own folder, which is a volume as well and moves with the app. Paths of the host are refused: on another
 * node they would be empty, or another machine's files.
 */
import type { Mount } from '#events/app.ts';
import { containerPath, insideFolder } from '#events/values/path.ts';
import { keysAt } from './keys.ts';
import { quoted } from './locate.ts';
import { appFolderVolume } from './model.ts';
import { pathFrom } from './project/paths.ts';
import type { Place, Reading } from './reading.ts';
import { nearest } from './suggest.ts';
import { booleanAt, isEmpty, itemsAt, textAt, written } from './values.ts';

const maxMounts = 200;

/** @param declared the volumes of the file */
export function mountsAt(reading: Reading, place: Place, declared: ReadonlySet<string>): readonly Mount[] {
  if (isEmpty(place)) return [];
  const items = itemsAt(reading, place, 'a list such as ["data:/data"]') ?? [];
  if (items.length > maxMounts) {
    reading.report(place, `A service has at most ${maxMounts} mounts.`, 'Mount a folder that holds several of them.');
    return [];
  }
  const mounts: Mount[] = [];
  for (const item of items) {
    const mount = item.node.kind === 'map' ? longForm(reading, item, declared) : shortForm(reading, item, declared);
    if (!mount) continue;
    if (mounts.some(({ target }) => target === mount.target)) {
      reading.report(
        item,
        `${written(item)} mounts over another entry of this list.`,
        'Give each its own path in the container.',
      );
    } else mounts.push(mount);
  }
  return mounts;
}

function shortForm(reading: Reading, place: Place, declared: ReadonlySet<string>): Mount | undefined {
  const text = textAt(reading, place, 'a mount such as "data:/data"');
  if (text === undefined) return undefined;
  const [source = '', targetText, options, ...more] = text.split(':');
  if (targetText === undefined) {
    return reading.report(
      place,
      `${written(place)} is a volume without a name: nothing could keep its data with the app.`,
      'Give it one, for example "data:/data", and declare `data:` under the top-level `volumes:`.',
    );
  }
  if (more.length > 0 || text.includes('\\')) {
    return reading.report(place, `${written(place)} is not a mount.`, 'Write "data:/data" or "./config:/config:ro".');
  }
  const from = isPath(source) ? bindSource(reading, place, source) : volumeSource(reading, place, source, declared);
  const target = targetAt(reading, place, targetText);
  const readOnly = readOptions(reading, place, options);
  if (!from || target === undefined || readOnly === undefined) return undefined;
  return { ...from, target, readOnly };
}

const isPath = (source: string): boolean => /^[./~]/.test(source);

function readOptions(reading: Reading, place: Place, options: string | undefined): boolean | undefined {
  let readOnly = false;
  for (const option of options === undefined ? [] : options.split(',')) {
    if (option === 'ro') readOnly = true;
    else if (option === 'z' || option === 'Z') {
      reading.note(place, `Option ${option} changes nothing here: FloatLab labels its volumes itself.`);
    } else if (option !== 'rw') {
      return reading.report(place, `${written(place)} has an option that FloatLab does not read.`, 'Use ro or rw.');
    }
  }
  return readOnly;
}

type Source = Pick<Mount, 'volume' | 'subpath'>;

function bindSource(reading: Reading, place: Place, source: string): Source | undefined {
  const subpath = pathFrom(reading, place.at, source);
  if (subpath === undefined || subpath.length > 1024) {
    return reading.report(
      place,
      `${written(place)} is a path of the host outside the folder of the compose file.`,
      'Data of the app belongs into a named volume, or into a path that begins with "./": both move with the app.',
    );
  }
  reading.named.add(subpath);
  if (/\.[a-z0-9]+$/i.test(subpath) && !reading.present.has(subpath)) {
    reading.note(
      place,
      `${written(place)} names something that is not there: the container will see an empty folder.`,
      'Create the file beside the compose file if one is meant.',
    );
  }
  return { volume: appFolderVolume, subpath };
}

function volumeSource(reading: Reading, place: Place, name: string, declared: ReadonlySet<string>): Source | undefined {
  if (declared.has(name)) return { volume: name, subpath: '.' };
  if (name.includes('/')) {
    return reading.report(place, `${written(place)} names neither a volume nor a path.`, 'Begin a path with "./".');
  }
  // The name may come from a variable: only what stands in the file is repeated.
  const shown =
    place.node.kind === 'scalar' && !place.node.text.includes('$') ? `Volume ${quoted(name)}` : 'This volume';
  return reading.report(place, `${shown} is not declared in this file.`, () => {
    const meant = nearest(name, declared);
    if (meant !== undefined) return `Did you mean ${quoted(meant)}?`;
    return 'Add it under the top-level `volumes:`, or begin a path with "./".';
  });
}

/** @returns the path without a slash at its end and without `.` and empty parts */
function targetAt(reading: Reading, place: Place, text: string): string | undefined {
  const wrong = (hint: string): undefined =>
    reading.report(place, `${written(place)} has no absolute path in the container.`, hint);
  if (!containerPath.safeParse(text).success) return wrong('Begin it with "/" and leave out "..".');
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0) return wrong('Choose a folder: a container cannot have its root replaced.');
  return `/${parts.join('/')}`;
}

export const mountKeys = {
  of: 'a mount',
  read: ['type', 'source', 'target', 'read_only', 'volume'],
  unread: { bind: '', tmpfs: '', consistency: 'Remove it: it changes nothing on Linux.', image: '' },
  extensions: true,
} as const;

export const mountVolumeKeys = {
  of: 'the volume of a mount',
  read: ['subpath'],
  unread: { nocopy: '', labels: '' },
} as const;

function longForm(reading: Reading, place: Place, declared: ReadonlySet<string>): Mount | undefined {
  const keys = keysAt(reading, place, mountKeys);
  if (!keys) return undefined;
  const typeAt = keys.get('type');
  if (!typeAt) return reading.report(place, 'This mount has no `type`.', 'Write type: volume or type: bind.');
  const type = textAt(reading, typeAt);
  if (type !== undefined && type !== 'volume' && type !== 'bind') {
    return reading.report(typeAt, `FloatLab does not mount ${written(typeAt)}.`, 'Use type: volume or type: bind.');
  }
  const targetPlace = keys.get('target');
  if (!targetPlace)
    return reading.report(place, 'This mount has no `target`.', 'Write its path in the container: target: /data.');
  const targetText = textAt(reading, targetPlace);
  const target = targetText === undefined ? undefined : targetAt(reading, targetPlace, targetText);
  const readOnlyAt = keys.get('read_only');
  const readOnly = readOnlyAt ? booleanAt(reading, readOnlyAt) : false;
  const sourceAt = keys.get('source');
  if (!sourceAt) {
    return reading.report(
      place,
      'This mount has no `source`.',
      'Name a volume of this file, or a path that begins with "./".',
    );
  }
  const source = textAt(reading, sourceAt);
  if (type === undefined || source === undefined) return undefined;
  const from =
    type === 'bind' ? bindSource(reading, sourceAt, source) : volumeSource(reading, sourceAt, source, declared);
  const subpath = subpathAt(reading, keys.get('volume'), type);
  if (!from || target === undefined || readOnly === undefined || subpath === undefined) return undefined;
  return { volume: from.volume, subpath: type === 'bind' ? from.subpath : subpath, target, readOnly };
}

function subpathAt(reading: Reading, place: Place | undefined, type: 'volume' | 'bind'): string | undefined {
  if (!place) return '.';
  if (type === 'bind') return reading.report(place, '`volume` has no meaning for a bind mount.', 'Remove it.');
  const keys = keysAt(reading, place, mountVolumeKeys);
  const at = keys?.get('subpath');
  if (!keys || !at) return keys && '.';
  const text = textAt(reading, at);
  if (text === undefined) return undefined;
  const subpath = insideFolder(text);
  if (subpath !== undefined && subpath.length <= 1024) return subpath;
  return reading.report(
    at,
    `${written(at)} is not a path inside the volume.`,
    'Write it without "..", "~" and a "/" in front.',
  );
}
