/** The API and the web app of a running lab, on every address that the settings name. */
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { realClock } from '../devices/clock/real.ts';
import { realRandom } from '../devices/random/real.ts';
import { createHttpServer, type HttpServerOptions } from '../http/server.ts';
import type { RunningLab } from '../lab/running.ts';
import { labMetrics } from './metrics.ts';
import type { Settings } from './settings.ts';
import { version } from './version.ts';

type Given = Pick<
  HttpServerOptions,
  | 'containers'
  | 'files'
  | 'disks'
  | 'adoptable'
  | 'adoption'
  | 'cluster'
  | 'snapshots'
  | 'backups'
  | 'blobs'
  | 'credentials'
  | 'ended'
  | 'signer'
  | 'tls'
  | 'ready'
  | 'metricsToken'
  | 'simulation'
>;

export async function serve(
  options: Given & { settings: Settings; lab: RunningLab; log: Logger },
): ReturnType<typeof createHttpServer> {
  const { settings, lab, ...rest } = options;
  return createHttpServer({
    ...rest,
    lab,
    clock: realClock,
    random: realRandom,
    listen: settings.listen,
    hostNames: settings.hostNames,
    webRoot: fileURLToPath(new URL('./web', import.meta.url)),
    metrics: labMetrics(lab, version),
  });
}
