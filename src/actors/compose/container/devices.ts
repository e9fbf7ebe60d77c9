/** Devices of the node that a container is given, graphics processors among them, and file systems in memory. */
import type { ContainerSettings, DeviceMapping, GpuRequest } from '#events/values/container-settings.ts';
import { keysAt } from '../keys.ts';
import type { Place, Reading } from '../reading.ts';
import { entriesAt, isEmpty, itemsAt, stringAt, textAt, written } from '../values.ts';
import { countAt } from './limits.ts';
import { listAt, type Form } from './lists.ts';

const isPlainPath = (path: string): boolean =>
  path.startsWith('/') &&
  path.length <= 4096 &&
  // oxlint-disable-next-line no-control-regex -- control characters are what this refuses
  !/[\u0000-\u001f\u007f]/.test(path) &&
  !path.split('/').includes('..');

const deviceKeys = { of: 'a device', read: ['source', 'target', 'permissions'] } as const;
const deviceHint = 'Write for example /dev/ttyUSB0, or /dev/ttyUSB0:/dev/zigbee:rw.';

export function devicesAt(reading: Reading, place: Place): readonly DeviceMapping[] {
  if (isEmpty(place)) return [];
  return (itemsAt(reading, place) ?? []).flatMap((item) => deviceAt(reading, item) ?? []);
}

function deviceAt(reading: Reading, place: Place): DeviceMapping | undefined {
  const written = place.node.kind === 'map' ? longAt(reading, place) : shortAt(reading, place);
  if (!written) return undefined;
  const { path, target = path, permissions = 'rwm' } = written;
  const isRight =
    path.startsWith('/dev/') && isPlainPath(path) && isPlainPath(target) && /^[rwm]{1,3}$/.test(permissions);
  if (isRight && new Set(permissions).size === permissions.length) return { path, target, permissions };
  return reading.report(place, 'This is not a device of a node.', deviceHint);
}

interface Written {
  readonly path: string;
  readonly target?: string;
  readonly permissions?: string;
}

function shortAt(reading: Reading, place: Place): Written | undefined {
  const text = textAt(reading, place, 'a device');
  if (text === undefined) return undefined;
  const [path = '', second, third, ...more] = text.split(':');
  if (more.length > 0 || text.includes('='))
    return reading.report(place, `${written(place)} is not a device.`, deviceHint);
  // Behind one colon stand the rights, or the place in the container.
  if (third === undefined && second !== undefined && /^[rwm]{1,3}$/.test(second)) return { path, permissions: second };
  return {
    path,
    ...(second === undefined ? {} : { target: second }),
    ...(third === undefined ? {} : { permissions: third }),
  };
}

function longAt(reading: Reading, place: Place): Written | undefined {
  const keys = keysAt(reading, place, deviceKeys);
  const read = (key: (typeof deviceKeys.read)[number]): string | undefined => {
    const at = keys?.get(key);
    return at && textAt(reading, at);
  };
  const [path, target, permissions] = [read('source'), read('target'), read('permissions')];
  if (path === undefined) return keys && reading.report(place, 'This device has no `source`.', deviceHint);
  return { path, ...(target === undefined ? {} : { target }), ...(permissions === undefined ? {} : { permissions }) };
}

/** `c 13:* rw` */
export const deviceRule: Form = {
  what: 'a rule for devices',
  hint: 'Write for example "c 13:* rw".',
  fits: (text) => /^[abc] (?:\d{1,5}|\*):(?:\d{1,7}|\*) [rwm]{1,3}$/.test(text),
};

const gpuKeys = {
  of: 'gpus',
  read: ['driver', 'count', 'device_ids', 'capabilities', 'options'],
  mayBeEmpty: [],
} as const;
const word: Form = {
  what: 'a word',
  hint: 'Write letters, digits and "-".',
  fits: (text) => /^[\w.:-]{1,128}$/.test(text),
};

/** `all`, or a list of requests. */
export function gpusAt(reading: Reading, place: Place): readonly GpuRequest[] {
  if (place.node.kind === 'scalar') {
    const text = textAt(reading, place, '`all` or a list');
    if (text === 'all') return [{ count: -1, capabilities: ['gpu'] }];
    if (text !== undefined) reading.report(place, `${written(place)} is not \`all\`.`, 'Write all, or a list of maps.');
    return [];
  }
  return (itemsAt(reading, place) ?? []).flatMap((item) => gpuAt(reading, item, ['gpu']) ?? []);
}

/** @param always capabilities that need not be said */
export function gpuAt(reading: Reading, place: Place, always: readonly string[]): GpuRequest | undefined {
  const keys = keysAt(reading, place, gpuKeys);
  if (!keys) return undefined;
  const [driverAt, countPlace, idsAt] = [keys.get('driver'), keys.get('count'), keys.get('device_ids')];
  const [capabilitiesAt, optionsAt] = [keys.get('capabilities'), keys.get('options')];
  if (optionsAt && !isEmpty(optionsAt))
    return reading.report(optionsAt, 'FloatLab does not hand on options of drivers.', 'Remove them.');
  if (countPlace && idsAt)
    return reading.report(countPlace, '`count` and `device_ids` exclude each other.', 'Remove one of the two.');
  const driver = driverAt && stringAt(reading, driverAt);
  const ids = idsAt && listAt(reading, idsAt, word, 'list');
  const isAll = countPlace?.node.kind === 'scalar' && countPlace.node.text === 'all';
  const count = isAll ? -1 : countPlace && countAt(reading, countPlace, 1, 64);
  const said = capabilitiesAt ? listAt(reading, capabilitiesAt, word, 'list') : [];
  const capabilities = [...new Set([...always, ...said])].toSorted();
  return {
    ...(driver === undefined ? {} : { driver }),
    ...(ids ? { ids } : { count: count ?? -1 }),
    capabilities,
  };
}

/** `/run`, `/run:size=64m,mode=1777`: a path, or several. */
export function tmpfsAt(reading: Reading, place: Place): NonNullable<ContainerSettings['tmpfs']> {
  const form: Form = {
    what: 'a folder in memory',
    hint: 'Write a path, and options behind a colon: /run:size=64m,mode=1777.',
    fits: (text) => {
      const [path = '', options = '', ...more] = text.split(':');
      return more.length === 0 && isPlainPath(path) && path !== '/' && /^[\w=,.%-]{0,200}$/.test(options);
    },
  };
  const found = listAt(reading, place, form, 'one or list').map((text): [string, string] => {
    const [path = '', options = ''] = text.split(':');
    return [path, options];
  });
  return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const loggingKeys = { of: 'logging', read: ['driver', 'options'], mayBeEmpty: [] } as const;
/** What the engine can read back: `floatlab logs` shows nothing of others. */
const readable = ['json-file', 'local', 'journald'];

export function loggingAt(reading: Reading, place: Place): ContainerSettings['logging'] {
  const keys = keysAt(reading, place, loggingKeys);
  if (!keys) return undefined;
  const driverAt = keys.get('driver');
  const optionsAt = keys.get('options');
  const driver = driverAt && stringAt(reading, driverAt);
  if (driver !== undefined && !word.fits(driver))
    return reading.report(driverAt ?? place, 'This is not the name of a driver of logs.', 'Write for example local.');
  if (driverAt && driver !== undefined && !readable.includes(driver))
    reading.note(
      driverAt,
      'With this driver the logs of the app stay empty: the engine cannot read back what it writes.',
      `Use ${readable.join(', ')}, or look where the driver writes.`,
    );
  const options: [string, string][] = [];
  for (const entry of optionsAt && !isEmpty(optionsAt) ? (entriesAt(reading, optionsAt) ?? []) : []) {
    const isTruth = entry.node.kind === 'scalar' && typeof entry.node.value === 'boolean';
    const value = isTruth ? stringAt(reading, entry) : textAt(reading, entry);
    if (value !== undefined) options.push([entry.key, value]);
  }
  return {
    ...(driver === undefined ? {} : { driver }),
    options: Object.fromEntries(options.toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}
