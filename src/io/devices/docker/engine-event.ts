/** One event of the engine, in our words. */
import type { EngineEvent } from './port.ts';

/** Asked of the engine: what changes a container. Health probes run as execs, many a minute; those are left out. */
export const watchedActions = [
  'create',
  'start',
  'die',
  'destroy',
  'oom',
  'health_status',
  'pause',
  'unpause',
  'rename',
] as const;

interface RawEvent {
  readonly Action?: string;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> };
  readonly time?: number;
  readonly timeNano?: number;
}

/** The engine mixes these into the labels of the container. */
const notLabels = new Set(['name', 'image', 'exitCode', 'execDuration', 'signal', 'oldName']);

/** @returns undefined for what is not about a container */
export function engineEvent(value: unknown): EngineEvent | undefined {
  const raw = value as RawEvent;
  if (raw.Actor?.ID === undefined || raw.Action === undefined) return undefined;
  const labels = Object.entries(raw.Actor.Attributes ?? {}).filter(([key]) => !notLabels.has(key));
  return {
    at: Math.floor(raw.timeNano === undefined ? (raw.time ?? 0) * 1000 : raw.timeNano / 1e6),
    action: actionOf(raw.Action),
    container: raw.Actor.ID,
    labels: Object.fromEntries(labels),
  };
}

function actionOf(action: string): EngineEvent['action'] {
  switch (action) {
    case 'start':
    case 'die':
    case 'destroy':
    case 'oom':
      return action;
    default:
      // `health_status: healthy`
      return action.startsWith('health_status') ? 'health' : 'other';
  }
}
