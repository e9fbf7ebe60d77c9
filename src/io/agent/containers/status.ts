/** What a container's state means for its service, and whether it is to be started again. Pure. */
import type { ServiceSpec } from '#events/app.ts';
import type { ServiceStatus } from '#events/instance.ts';
import type { ContainerInfo } from '../../devices/docker/port.ts';

export function statusOf(container: ContainerInfo | undefined, spec: ServiceSpec, restarts: number): ServiceStatus {
  // What is dead is being removed: how it ended says nothing about its program.
  if (!container || container.state === 'dead') return { state: 'exited', restarts };
  const known = { container: container.id, restarts };
  if (container.state === 'running' || container.state === 'paused') {
    if (container.health === 'healthy' || container.health === 'unhealthy')
      return { ...known, state: container.health };
    return { ...known, state: container.health === 'starting' ? 'starting' : 'running' };
  }
  const exitCode = container.exitCode ?? 0;
  if (container.state === 'created') return { ...known, state: 'starting' };
  if (shouldRestart(container, spec, restarts)) return { ...known, exitCode, state: 'restarting' };
  return { ...known, exitCode, state: exitCode === 0 ? 'completed' : 'exited' };
}

/**
 * Whether the service has ended by itself and stays so: `statusOf` gives an exit code with `completed` or `exited` only
 * when its policy does not start it again. It has done what it was there for, whatever becomes of its container.
 */
export const isFinished = ({ state, exitCode }: ServiceStatus): boolean =>
  (state === 'completed' || state === 'exited') && exitCode !== undefined;

/** As the engine would do by `restart`; it never does, because only the lab knows whether the app belongs here. */
export function shouldRestart(container: ContainerInfo, { restart }: ServiceSpec, restarts: number): boolean {
  switch (restart.condition) {
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      return container.exitCode !== 0 && (restart.maxRetries === undefined || restarts < restart.maxRetries);
    case 'no':
      return false;
    default:
      return restart.condition satisfies never;
  }
}
