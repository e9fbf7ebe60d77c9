/** Names and paths become arguments, so they are checked here once more, whoever called. */
import { fewestDevices } from '#actors/pool/layouts.ts';
import { IoError } from '../error.ts';
import type { Layout, ManagedPool } from './port.ts';

const poolName = /^[a-z][a-z0-9-]{0,31}$/;
/** What zfs keeps for itself: the beginnings of the names of its groups. */
const reserved = /^(?:mirror|raidz|draid|spare|log|cache|special|dedup|replacing|indirect|missing)/;

/** @throws IoError INVALID */
function checkPoolName(op: string, name: string): void {
  if (typeof name === 'string' && poolName.test(name) && !reserved.test(name)) return;
  const hint = 'Use 1 to 32 of a–z, 0–9 and "-", beginning with a letter, and no word of zfs such as mirror or log.';
  throw invalid(op, String(name), 'is not a name of a pool', hint);
}

/** @returns the pool @throws IoError INVALID, POOL_MISSING */
export function managedPool(pools: readonly ManagedPool[], name: string, op: string): ManagedPool {
  const pool = pools.find((known) => known.name === name);
  if (pool) return pool;
  checkPoolName(op, name);
  throw new IoError('POOL_MISSING', {
    op,
    target: name,
    message: `FloatLab does not manage a pool ${JSON.stringify(name)} on this node`,
    hint: 'Name one of the pools of this node, or add this one to it first.',
  });
}

/** Absolute, without anything that could lead elsewhere. @throws IoError INVALID */
export function checkPath(op: string, path: string): void {
  const isPlain =
    typeof path === 'string' && /^\/[\w./:+@=-]+$/.test(path) && !/(?:^|\/)\.{1,2}(?:\/|$)|\/\/|\/$/.test(path);
  if (isPlain && path.length <= 1024) return;
  throw invalid(op, String(path), 'is not a path of a device or file', 'Give an absolute path such as /dev/sdb.');
}

/** @throws IoError INVALID when a device is named twice or there are too few for the layout */
export function checkDevices(op: string, devices: readonly string[], layout: Layout): void {
  for (const device of devices) checkPath(op, device);
  const twice = devices.find((device, index) => devices.indexOf(device) !== index);
  if (twice !== undefined) throw invalid(op, twice, 'is named twice', 'Name each device once.');
  const fewest = fewestDevices[layout];
  if (devices.length >= fewest) return;
  throw invalid(
    op,
    devices.join(', '),
    `are too few: ${layout} needs ${fewest}`,
    `Name at least ${fewest} devices, or choose another layout.`,
  );
}

export function invalid(op: string, target: string, what: string, hint: string): IoError {
  const shown = JSON.stringify(target.slice(0, 200));
  return new IoError('INVALID', { op, target: shown, message: `${shown} ${what}`, hint });
}
