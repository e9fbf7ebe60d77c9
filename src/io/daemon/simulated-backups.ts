/**
 * What a person finds under Backups in a simulated lab: a disk and a bucket, the sample app backed up to the one now and
 * every night to the other, by the commands that anybody would give. It is the beginning only: what becomes of it is up to
 * whoever plays with the lab.
 */
import type { Logger } from 'pino';
import type { CommandInputs } from '#actors/commands.ts';
import { sleep, type Clock } from '../devices/clock/port.ts';
import type { LabPort } from '../lab/port.ts';

type Asked = 'add-backup-target' | 'create-schedule' | 'back-up-app';

const lookMs = 500;
/** A sample that has not started by then never does. */
const patienceMs = 120_000;

interface Parts {
  readonly lab: LabPort;
  readonly clock: Clock;
  readonly log: Logger;
  /** Has the disk. */
  readonly node: string;
  /** Of the sample. */
  readonly app: string;
}

/** Ends early, without a word, when `signal` does. */
export async function backUpSample({ lab, clock, log, node, app }: Parts, signal: AbortSignal): Promise<void> {
  const give = async <N extends Asked>(id: string, name: N, input: CommandInputs[N]): Promise<boolean> => {
    const result = await lab.run({ id: `sample-${id}`, name, input, by: 'system:start' }, signal);
    if ('rejected' in result) log.warn({ name, rejected: result.rejected }, 'the sample was not backed up');
    return !('rejected' in result);
  };
  try {
    await give('usb', 'add-backup-target', {
      name: 'usb',
      store: { kind: 'directory', path: '/mnt/usb/backups', node },
      keep: '7d:1d 8w:1w',
    });
    await give('offsite', 'add-backup-target', {
      name: 'offsite',
      store: { kind: 's3', endpoint: 'https://s3.simulated.invalid', bucket: 'home-lab', prefix: 'backups' },
      secrets: { accessKeyId: 'simulated', secretAccessKey: 'simulated' },
      verifyEveryMs: 30 * 86_400_000,
    });
    if (!(await isReady({ lab, clock, app }, signal))) return;
    await give('schedule', 'create-schedule', { name: `${app}-offsite`, app, backupTo: 'offsite', cron: '30 3 * * *' });
    await give('backup', 'back-up-app', { name: app, to: 'usb' });
  } catch (error) {
    if (!signal.aborted) log.warn({ error: String(error) }, 'the sample was not backed up');
  }
}

/** Its volumes are there, and both targets were seen. */
async function isReady(
  { lab, clock, app }: Pick<Parts, 'lab' | 'clock' | 'app'>,
  signal: AbortSignal,
): Promise<boolean> {
  const end = clock.now() + patienceMs;
  while (clock.now() < end && !signal.aborted) {
    const volumes = lab.rows('volumes').filter(([, row]) => row.app?.name === app);
    const targets = lab.rows('backup-targets');
    const isThere =
      volumes.length > 0 &&
      volumes.every(([, { state }]) => state === 'ready') &&
      targets.every(([, { state }]) => state === 'ready');
    if (isThere) return true;
    await sleep(clock, lookMs, signal);
  }
  return false;
}
