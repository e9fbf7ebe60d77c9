/** Whether what a node tells of a pool is worth an event: figures that move a little are not. */
import type { PoolScrub, PoolStatus } from '#events/pool.ts';

/** Of its size, from where on it counts as another one. */
const sizeShare = 0.01;

export function isNews(before: PoolStatus | null, now: PoolStatus): boolean {
  if (before === null) return true;
  const moved = Math.abs(now.sizeBytes - before.sizeBytes) > before.sizeBytes * sizeShare;
  return moved || essence(before) !== essence(now);
}

/** A problem is the same one as long as it is of the same thing and asks for the same: its text has figures in it. */
const essence = ({ state, layout, devices, problems }: PoolStatus): string =>
  JSON.stringify([
    state,
    layout,
    devices.map((device) => [device.name, device.role, device.state, device.was]),
    problems.map(({ code, severity, device, repair }) => [code, severity, device, repair]),
  ]);

/** One that runs tells nothing new until it ends. */
export function isScrubNews(before: PoolScrub | null, now: PoolScrub | null): now is PoolScrub {
  if (now === null) return false;
  return before?.state !== now.state || (now.state === 'finished' && before.endedAt !== now.endedAt);
}
