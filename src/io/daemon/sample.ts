/** The welcome app of a new lab, on an image that is made here: it needs neither a registry nor the internet. */
import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Call } from '../devices/call.ts';
import type { LabPort } from '../lab/port.ts';

/** What its compose file calls it. */
export const sampleName = 'welcome';
export const sampleFile = new URL('../examples/welcome/compose.yaml', import.meta.url);

/** The sample belongs to the beginning: a lab whose first events speak of an app has had one. */
const beginning = 100;

/** @returns whether there is nothing left to do */
export async function deploySample(
  lab: LabPort,
  options: { file: URL; prepare(call: Call): Promise<void>; log: Logger },
): Promise<boolean> {
  if (lab.index > beginning) return true;
  const first = await lab.activity({ after: 0, limit: beginning });
  if (first.some(({ type }) => type === 'app.created')) return true;
  const { signal } = new AbortController();
  try {
    await options.prepare({ signal, timeoutMs: 120_000, progress: () => {} });
    const compose = await readFile(options.file, 'utf8');
    const result = await lab.run(
      { id: 'sample-welcome', name: 'deploy-app', input: { fileName: 'compose.yaml', compose }, by: 'system:start' },
      signal,
    );
    if (!('rejected' in result)) return true;
    options.log.warn({ rejected: result.rejected }, 'the welcome app was not deployed');
  } catch (error) {
    // A lab without its sample is a lab all the same.
    options.log.warn({ error: String(error) }, 'the welcome app was not deployed');
  }
  return false;
}
