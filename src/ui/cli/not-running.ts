/** An app without containers, told to whoever wants something of one. */
import type { AppRow } from '#projections/views/apps.ts';
import { CliError } from './errors.ts';

const resting: ReadonlySet<string> = new Set(['stopped', 'failed']);

/** Whether nothing of it runs, or will before somebody starts it. */
export const isResting = ({ state }: Pick<AppRow, 'state'>): boolean => resting.has(state);

export function notRunning(app: Pick<AppRow, 'name' | 'state'>): CliError {
  const { name, state } = app;
  const how = state === 'failed' ? 'failed' : `is ${state}`;
  const hint = isResting(app) ? `floatlab app start ${name}` : `floatlab app show ${name} shows how far it is.`;
  return new CliError('NOT_RUNNING', 5, `App ${name} ${how}: nothing of it runs.`, hint);
}
