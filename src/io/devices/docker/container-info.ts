/** What the engine says about a container, in our words. */
import type { ContainerInspectInfo, HealthConfig } from 'dockerode';
import type { ContainerInfo, Healthcheck } from './port.ts';

export function containerInfo(raw: ContainerInspectInfo): ContainerInfo {
  const state = stateOf(raw.State.Status);
  const ended = state === 'exited' || state === 'dead';
  const startedAt = Date.parse(raw.State.StartedAt);
  return {
    id: raw.Id,
    name: raw.Name.replace(/^\//, ''),
    image: raw.Config.Image,
    labels: raw.Config.Labels ?? {},
    state,
    health: healthOf(raw.State.Health?.Status),
    healthcheck: healthcheckOf(raw.Config.Healthcheck),
    exitCode: ended ? raw.State.ExitCode : undefined,
    // The engine's "never" is the year 1.
    startedAt: startedAt > 0 ? startedAt : undefined,
    oomKilled: raw.State.OOMKilled,
    restartPolicy: raw.HostConfig.RestartPolicy?.Name || 'no',
    networks: Object.keys(raw.NetworkSettings?.Networks ?? {}).toSorted(),
  };
}

function stateOf(status: string): ContainerInfo['state'] {
  switch (status) {
    case 'created':
    case 'running':
    case 'paused':
    case 'exited':
      return status;
    // The engine starts it again by itself at any moment: whoever must be sure that it is off may not think so.
    case 'restarting':
      return 'running';
    default:
      return 'dead';
  }
}

function healthOf(status: string | undefined): ContainerInfo['health'] {
  return status === 'starting' || status === 'healthy' || status === 'unhealthy' ? status : 'none';
}

/** Counted in nanoseconds; 0 is the engine's default. */
function healthcheckOf(check: Partial<HealthConfig> | undefined): Healthcheck | undefined {
  if (!check?.Test?.length || check.Test[0] === 'NONE') return undefined;
  const ms = (nanoseconds: number | undefined): number => Math.round((nanoseconds ?? 0) / 1e6);
  return {
    test: check.Test,
    ...(check.Interval ? { intervalMs: ms(check.Interval) } : {}),
    ...(check.Timeout ? { timeoutMs: ms(check.Timeout) } : {}),
    ...(check.StartPeriod ? { startPeriodMs: ms(check.StartPeriod) } : {}),
    ...(check.StartInterval ? { startIntervalMs: ms(check.StartInterval) } : {}),
    ...(check.Retries ? { retries: check.Retries } : {}),
  };
}
