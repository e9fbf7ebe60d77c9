/**
 * `volumes` of a service. A named volume is one that the file declares; a path beside the compose file is a path in
 * the app's own folder, which is a volume as well and moves with the app. An absolute path is one of the node
 * (`host-binds.ts`).
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { propagations, type HostMount, type Mount, type Propagation, type VolumeMount } from '#events/app.ts';
import { containerPath, insideFolder } from '#events/values/path.ts';
import { bindOptionsAt, hostBind, type BindOptions } from './host-binds.ts';
import { bytesAt } from './container/limits.ts';
import { keysAt } from './keys.ts';
import { quoted } from './locate.ts';
import { appFolderVolume } from './model.ts';
import { pathFrom } from './project/paths.ts';
import type { Place, Reading } from './reading.ts';
import { nearest } from './suggest.ts';
import type { DeclaredVolume } from './volumes.ts';
import { booleanAt, isEmpty, itemsAt, textAt, written } from './values.ts';

const maxMounts = 200;

export interface ReadMounts {
  readonly mounts: readonly Mount[];
  /** Folders in memory: options by path, as in `tmpfs` of the service. */
  readonly tmpfs: Readonly<Record<string, string>>;
}
export const noMounts: ReadMounts = { mounts: [], tmpfs: {} };

/** What a mount may refer to. */
interface Around {
  readonly declared: ReadonlyMap<string, Pick<DeclaredVolume, 'host'>>;
  readonly service: string;
}

/**
 * @param declared the volumes of the file
 * @param service whose they are: what has no name is named after it
 */
export function mountsAt(reading: Reading, place: Place, declared: Around['declared'], service: string): ReadMounts {
  if (isEmpty(place)) return noMounts;
  const items = itemsAt(reading, place, 'a list such as ["data:/data"]') ?? [];
  if (items.length > maxMounts) {
    reading.report(place, `A service has at most ${maxMounts} mounts.`, 'Mount a folder that holds several of them.');
    return noMounts;
  }
  const around = { declared, service };
  const mounts: Mount[] = [];
  const tmpfs: Record<string, string> = {};
  for (const item of items) {
    const mount = item.node.kind === 'map' ? longForm(reading, item, around) : shortForm(reading, item, around);
    if (!mount) continue;
    if (mounts.some(({ target }) => target === mount.target) || Object.hasOwn(tmpfs, mount.target)) {
      reading.report(
        item,
        `${written(item)} mounts over another entry of this list.`,
        'Give each its own path in the container.',
      );
    } else if ('options' in mount) tmpfs[mount.target] = mount.options;
    else mounts.push(mount);
  }
  return { mounts, tmpfs };
}

function shortForm(reading: Reading, place: Place, around: Around): Mount | undefined {
  const text = textAt(reading, place, 'a mount such as "data:/data"');
  if (text === undefined) return undefined;
  const [source = '', targetText, options, ...more] = text.split(':');
  if (targetText === undefined) {
    const target = targetAt(reading, place, source);
    return target === undefined ? undefined : anonymous(reading, place, target, around, false);
  }
  if (more.length > 0 || text.includes('\\')) {
    return reading.report(place, `${written(place)} is not a mount.`, 'Write "data:/data" or "./config:/config:ro".');
  }
  const target = targetAt(reading, place, targetText);
  const read = readOptions(reading, place, options);
  if (target === undefined || read === undefined) return undefined;
  const { readOnly, bind } = read;
  // What stands before the colon is made where it is missing, as Compose does it.
  const from = isPath(source)
    ? bindSource(reading, place, source, { create: true, ...bind }, readOnly)
    : volumeSource(reading, place, source, around, readOnly, bind);
  return from && { ...from, target, readOnly };
}

const isPath = (source: string): boolean => /^[./~]/.test(source);

interface ReadOptions {
  readonly readOnly: boolean;
  readonly bind: BindOptions;
}

function readOptions(reading: Reading, place: Place, options: string | undefined): ReadOptions | undefined {
  let readOnly = false;
  let bind: BindOptions = {};
  for (const option of options === undefined ? [] : options.split(',')) {
    if (option === 'ro') readOnly = true;
    else if (isPropagation(option)) bind = { propagation: option };
    else if (option === 'z' || option === 'Z') {
      reading.note(place, `Option ${option} changes nothing here: FloatLab labels nothing for SELinux.`);
    } else if (option !== 'rw') {
      return reading.report(place, `${written(place)} has an option that FloatLab does not read.`, 'Use ro or rw.');
    }
  }
  return { readOnly, bind };
}

const isPropagation = (option: string): option is Propagation => propagations.some((one) => one === option);

type Source = Pick<VolumeMount, 'volume' | 'subpath'>;
type HostSource = Pick<HostMount, 'host' | 'propagation' | 'create'>;

function bindSource(
  reading: Reading,
  place: Place,
  source: string,
  options: BindOptions,
  readOnly: boolean,
): Source | HostSource | undefined {
  if (source.startsWith('/')) return hostBind(reading, place, source, options, readOnly);
  if (!refusePropagation(reading, place, options)) return undefined;
  const subpath = pathFrom(reading, place.at, source);
  if (subpath === undefined || subpath.length > 1024) {
    return reading.report(
      place,
      `${written(place)} is a path of the host outside the folder of the compose file.`,
      'Data of the app belongs into a named volume, or into a path that begins with "./": both move with the app. ' +
        'What lies on one machine has a path that begins with "/".',
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

/** @returns whether nothing was wrong */
function refusePropagation(reading: Reading, place: Place, { propagation }: BindOptions): boolean {
  if (propagation === undefined) return true;
  reading.report(place, `Only a path of the node has a propagation (${propagation}).`, 'Remove it.');
  return false;
}

function volumeSource(
  reading: Reading,
  place: Place,
  name: string,
  { declared }: Around,
  readOnly: boolean,
  options: BindOptions = {},
): Source | HostSource | undefined {
  const volume = declared.get(name);
  if (volume?.host !== undefined) return hostBind(reading, place, volume.host, options, readOnly);
  if (!refusePropagation(reading, place, options)) return undefined;
  if (volume) return { volume: name, subpath: '.' };
  if (name.includes('/')) {
    return reading.report(place, `${written(place)} names neither a volume nor a path.`, 'Begin a path with "./".');
  }
  // The name may come from a variable: only what stands in the file is repeated.
  const shown =
    place.node.kind === 'scalar' && !place.node.text.includes('$') ? `Volume ${quoted(name)}` : 'This volume';
  return reading.report(place, `${shown} is not declared in this file.`, () => {
    const meant = nearest(name, [...declared.keys()]);
    if (meant !== undefined) return `Did you mean ${quoted(meant)}?`;
    return 'Add it under the top-level `volumes:`, or begin a path with "./".';
  });
}

/**
 * A volume that the file gives no name gets one of the service and its place there, so that the next revision finds it
 * again: what an engine makes for it would be another one each time.
 */
function anonymous(
  reading: Reading,
  place: Place,
  target: string,
  { declared, service }: Around,
  readOnly: boolean,
): Mount | undefined {
  const full = `${service}${target.replaceAll(/[^A-Za-z0-9._-]+/g, '-')}`.replace(/-+$/, '');
  const sum = bytesToHex(sha256(utf8ToBytes(`${service}:${target}`))).slice(0, 8);
  const volume = full.length <= longestMadeName ? full : `${full.slice(0, longestMadeName - 9)}-${sum}`;
  if (declared.has(volume) || volume === appFolderVolume) {
    return reading.report(
      place,
      `This volume has no name, and would be called ${quoted(volume)}, like another one.`,
      'Give it one, for example "data:/data", and declare `data:` under the top-level `volumes:`.',
    );
  }
  reading.note(
    place,
    `This volume has no name: it is kept as ${quoted(volume)}.`,
    'Give it one ("data:/data", and `data:` under the top-level `volumes:`), so that it can be found and set up.',
  );
  return { volume, subpath: '.', target, readOnly };
}

/** The name of the app stands in front of it. */
const longestMadeName = 40;

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
  read: ['type', 'source', 'target', 'read_only', 'volume', 'bind', 'tmpfs'],
  unread: { consistency: 'Remove it: it changes nothing on Linux.', image: '' },
  extensions: true,
} as const;

export const mountVolumeKeys = {
  of: 'the volume of a mount',
  read: ['subpath'],
  unread: { nocopy: '', labels: '' },
} as const;

export const mountTmpfsKeys = { of: 'the tmpfs of a mount', read: ['size', 'mode'], extensions: true } as const;

/** A folder in memory. */
interface MemoryMount {
  readonly target: string;
  readonly options: string;
}

function memoryOptions(reading: Reading, place: Place | undefined, readOnly: boolean): string | undefined {
  const keys = place && !isEmpty(place) ? keysAt(reading, place, mountTmpfsKeys) : new Map<string, Place>();
  const [sizeAt, modeAt] = [keys?.get('size'), keys?.get('mode')];
  const size = sizeAt && bytesAt(reading, sizeAt, { minBytes: 1 });
  const mode = modeAt && textAt(reading, modeAt);
  if (!keys || (sizeAt && size === undefined) || (modeAt && mode === undefined)) return undefined;
  if (modeAt && !/^0?o?[0-7]{1,4}$/.test(mode ?? ''))
    return reading.report(modeAt, `${written(modeAt)} is not a mode.`, 'Write permission bits such as 1777.');
  return [
    ...(readOnly ? ['ro'] : []),
    ...(size === undefined ? [] : [`size=${size}`]),
    ...(mode === undefined ? [] : [`mode=${mode.replace('o', '')}`]),
  ].join(',');
}

function longForm(reading: Reading, place: Place, around: Around): Mount | MemoryMount | undefined {
  const keys = keysAt(reading, place, mountKeys);
  if (!keys) return undefined;
  const typeAt = keys.get('type');
  if (!typeAt) return reading.report(place, 'This mount has no `type`.', 'Write type: volume or type: bind.');
  const type = textAt(reading, typeAt);
  if (type !== undefined && type !== 'volume' && type !== 'bind' && type !== 'tmpfs') {
    return reading.report(
      typeAt,
      `FloatLab does not mount ${written(typeAt)}.`,
      'Use type: volume, type: bind or type: tmpfs.',
    );
  }
  const targetPlace = keys.get('target');
  if (!targetPlace)
    return reading.report(place, 'This mount has no `target`.', 'Write its path in the container: target: /data.');
  const targetText = textAt(reading, targetPlace);
  const target = targetText === undefined ? undefined : targetAt(reading, targetPlace, targetText);
  const readOnlyAt = keys.get('read_only');
  const readOnly = readOnlyAt ? booleanAt(reading, readOnlyAt) : false;
  const sourceAt = keys.get('source');
  const tmpfsAt = keys.get('tmpfs');
  if (tmpfsAt && type !== 'tmpfs')
    return reading.report(tmpfsAt, '`tmpfs` has a meaning for type: tmpfs alone.', 'Remove it.');
  if (type === 'tmpfs') {
    const other = sourceAt ?? keys.get('volume') ?? keys.get('bind');
    if (other)
      return reading.report(other, 'A folder in memory has neither a source nor options of others.', 'Remove it.');
    const options = readOnly === undefined ? undefined : memoryOptions(reading, tmpfsAt, readOnly);
    return target === undefined || options === undefined ? undefined : { target, options };
  }
  if (!sourceAt && type === 'volume' && !keys.has('volume') && !keys.has('bind')) {
    return target === undefined || readOnly === undefined
      ? undefined
      : anonymous(reading, targetPlace, target, around, readOnly);
  }
  if (!sourceAt) {
    return reading.report(
      place,
      'This mount has no `source`.',
      'Name a volume of this file, or a path that begins with "./".',
    );
  }
  const source = textAt(reading, sourceAt);
  if (type === undefined || source === undefined) return undefined;
  const subpath = subpathAt(reading, keys.get('volume'), type);
  const bindAt = keys.get('bind');
  if (bindAt && type !== 'bind') return reading.report(bindAt, '`bind` has no meaning for a volume.', 'Remove it.');
  const options = bindAt ? bindOptionsAt(reading, bindAt) : {};
  if (target === undefined || readOnly === undefined || subpath === undefined || !options) return undefined;
  if (type === 'bind') {
    const from = bindSource(reading, sourceAt, source, options, readOnly);
    return from && { ...from, target, readOnly };
  }
  const from = volumeSource(reading, sourceAt, source, around, readOnly);
  if (!from) return undefined;
  if ('host' in from)
    return { ...from, host: subpath === '.' ? from.host : `${from.host}/${subpath}`, target, readOnly };
  return { volume: from.volume, subpath, target, readOnly };
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
