/**
 * Settings of a container without what says nothing: what engines set by themselves, what the image brings, and what is
 * empty. Two containers that are run alike come to the same here, whoever made them.
 */
import type { ContainerSettings } from '#events/values/container-settings.ts';
import type { ImageDefaults } from './inspection.ts';

type Key = keyof ContainerSettings;

/** Engines of today: 64 MiB. */
const usualShmBytes = 64 * 2 ** 20;
/** What an engine logs to unless its own settings say otherwise; with options somebody has chosen them. */
export const usualLogs: readonly (string | undefined)[] = [undefined, 'json-file', 'local', 'journald'];

/** Which of these it takes depends on the engine, its version and the kernel: none of them means anything here. */
function isUsual(key: Key, settings: ContainerSettings, image: ImageDefaults): boolean {
  const { memoryBytes = 0, memorySwapBytes, logging } = settings;
  switch (key) {
    case 'user':
      return settings.user === image.user;
    case 'workingDir':
      return settings.workingDir === (image.workingDir ?? '/');
    case 'stopSignal':
      return settings.stopSignal === (image.stopSignal ?? 'SIGTERM');
    case 'ipc':
      return settings.ipc === 'private' || settings.ipc === 'shareable';
    case 'cgroup':
      return settings.cgroup === 'private';
    case 'runtime':
      return settings.runtime === 'runc' || settings.runtime === 'crun';
    case 'shmBytes':
      return settings.shmBytes === usualShmBytes;
    case 'memorySwapBytes':
      return memorySwapBytes === 2 * memoryBytes;
    case 'logging':
      return usualLogs.includes(logging?.driver) && Object.keys(logging?.options ?? {}).length === 0;
    case 'aliases':
      return true;
    default:
      return false;
  }
}

/** @returns only what is unusual; lists whose order means nothing are sorted, so that equal ones are written alike */
export function unusual(settings: ContainerSettings, image: ImageDefaults): ContainerSettings {
  const { expose = [], ...others } = settings;
  const told = [...new Set(expose.map(withProtocol))].filter((port) => !image.exposed.includes(port));
  const all: ContainerSettings = { ...others, ...(told.length > 0 && { expose: told }) };
  const kept = (Object.keys(all) as Key[])
    .toSorted()
    .filter((key) => !isNothing(all[key]) && !isUsual(key, all, image))
    .map((key) => [key, unordered.includes(key) ? sortedList(all[key]) : all[key]] as const);
  return Object.fromEntries(kept);
}

const unordered: readonly Key[] = ['groups', 'capAdd', 'capDrop', 'securityOptions', 'expose', 'deviceCgroupRules'];

const sortedList = (value: unknown): unknown => (value as readonly string[]).toSorted();

const withProtocol = (port: string): string => (port.includes('/') ? port : `${port}/tcp`);

const isNothing = (value: unknown): boolean =>
  value === undefined ||
  value === false ||
  value === '' ||
  value === 0 ||
  (Array.isArray(value) && value.length === 0) ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
