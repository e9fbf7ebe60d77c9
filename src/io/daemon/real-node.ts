/**
 * This machine as a node: engine, pool, databases and keys, then the lab on top of them.
 *
 * Everything is found or made, in an order in which a crash between any two steps is taken up by the next start. The
 * data directory is locked first, so that no second daemon touches any of it.
 */
import { access, chmod, mkdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { realClock } from '../devices/clock/real.ts';
import { dockerOverSocket } from '../devices/docker/real.ts';
import type { DockerPort } from '../devices/docker/port.ts';
import { IoError } from '../devices/error.ts';
import { realFiles } from '../devices/files/real.ts';
import { realHost } from '../devices/host/real.ts';
import { realRandom } from '../devices/random/real.ts';
import { btrfsVolumes } from '../devices/volumes/btrfs/real.ts';
import type { Readiness } from '../http/parts.ts';
import { isLoopback } from '../http/auth/hosts.ts';
import { ensureServerCertificate, keepServerCertificate, type CertificateWishes } from '../http/tls.ts';
import type { RunningLab } from '../lab/running.ts';
import { openWatermark } from '../log/single/watermark.ts';
import { openBlobs } from '../stores/blobs.ts';
import { openLevel } from '../stores/level.ts';
import { StoreError, type Store } from '../stores/port.ts';
import { ensureIdentity, passwordWasShown } from './credentials.ts';
import { engineCandidates, findEngine, startOwnEngine, type Engine } from './engine.ts';
import { keepEngine } from './engine-keeper.ts';
import { lockDataDir } from './lock.ts';
import type { RunningDaemon } from './main.ts';
import { writeNodeIni } from './node-ini.ts';
import { ensurePool } from './pool.ts';
import { deploySample, sampleFile } from './sample.ts';
import { serve } from './serve.ts';
import type { Settings } from './settings.ts';
import { version } from './version.ts';
import { ensureWelcomeImage } from './welcome-image.ts';
import { wireLab } from './wire.ts';

export interface DaemonContext {
  readonly log: Logger;
  readonly signal: AbortSignal;
  onBroken(error: unknown): void;
}

export async function openRealNode(settings: Settings, context: DaemonContext): Promise<RunningDaemon> {
  const { log, signal } = context;
  needsRoot();
  const { dataDir } = settings;
  await mkdir(dataDir, { recursive: true });
  await chmod(dataDir, 0o711);
  const closing: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (let close = closing.pop(); close; close = closing.pop()) await close();
  };
  try {
    const lock = await lockDataDir(dataDir);
    closing.push(() => lock.release());
    const identity = await ensureIdentity({
      dataDir,
      nodeName: settings.nodeName,
      random: realRandom,
      resetPassword: settings.resetPassword,
    });
    const told = { info: (message: string) => log.info(message), warn: (message: string) => log.warn(message) };
    const pool = await ensurePool({
      dataDir,
      mountpoint: settings.pool,
      sizeBytes: settings.poolSizeBytes,
      log: told,
      signal,
    });
    // An engine of our own keeps its apps when the daemon stops: another one must not start them a second time.
    const found = (await hasOwnEngine(dataDir))
      ? undefined
      : await findEngine({ candidates: engineCandidates(process.env) });
    const startEngine = (abort: AbortSignal): Promise<Engine> => startOwnEngine({ dataDir, log: told, signal: abort });
    const engine = found ?? (await startEngine(signal));
    const docker = dockerOverSocket({ socketPath: engine.socketPath });
    if (!found) {
      const keeper = keepEngine({ docker, restart: startEngine, clock: realClock, log });
      closing.push(() => keeper.stop());
    }
    await mkdir(join(dataDir, 'db'), { recursive: true, mode: 0o700 });
    const { ini } = identity;
    const blobs = openBlobs({ dir: join(dataDir, 'blobs'), key: ini.lab.dataKey });
    const wired = await wireLab({
      logStore: await openLevel(join(dataDir, 'db', 'log')),
      watermark: await openWatermark(join(dataDir, 'db', 'watermark')),
      stateStore: await openState(join(dataDir, 'db', 'state'), log),
      bootId: await bootId(),
      blobs,
      clock: realClock,
      random: realRandom,
      log,
      version,
      labName: settings.labName,
      timeZone: settings.timeZone,
      nodes: [
        {
          id: ini.node.id,
          name: ini.node.name,
          ports: { docker, volumes: btrfsVolumes({ pools: [pool] }), files: realFiles, host: realHost() },
        },
      ],
      onBroken: context.onBroken,
    });
    closing.push(() => wired.stop());
    const certificate = settings.listen.every(({ host }) => isLoopback(host))
      ? undefined
      : await ensureServerCertificate(await certificateWishes(settings));
    const server = await serve({
      settings,
      lab: wired.lab,
      containers: wired.containers,
      blobs,
      log,
      credentials: {
        adminName: ini.admin.name,
        passwordHash: ini.admin.passwordHash,
        signingKey: ini.lab.sessionKey,
        initialPassword: ini.admin.passwordIsInitial,
        save: (passwordHash) =>
          writeNodeIni(dataDir, {
            ...ini,
            admin: { ...ini.admin, passwordHash, passwordIsInitial: false, passwordWasShown: true },
          }),
      },
      tls: certificate,
      ready: () => readiness(docker, wired.lab),
    });
    closing.push(() => server.close());
    if (certificate) {
      const stopRenewing = keepServerCertificate({
        present: certificate,
        clock: realClock,
        wishes: () => certificateWishes(settings),
        onRenewed: (renewed) => {
          log.info({ expiresAt: new Date(renewed.expiresAt).toISOString() }, 'the server certificate was renewed');
          server.setTls(renewed);
        },
        onFailed: (error) => log.error({ error: String(error) }, 'the server certificate could not be renewed'),
      });
      closing.push(() => Promise.resolve(stopRenewing()));
    }
    if (settings.sample) {
      await deploySample(wired.lab, { file: sampleFile, prepare: (call) => ensureWelcomeImage(docker, {}, call), log });
    }
    return {
      welcome: welcomeLines(server.urls, ini.admin.name, identity.newPassword, certificate?.fingerprint),
      shown: () => passwordWasShown(dataDir),
      stop,
    };
  } catch (error) {
    await stop().catch((failure: unknown) => log.error({ error: String(failure) }, 'could not tidy up'));
    throw error;
  }
}

function needsRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new IoError('PERMISSION', {
    op: 'floatlabd',
    target: 'this machine',
    message: 'FloatLab needs root: it mounts pools and makes volumes.',
    hint: 'Run it as root (sudo npm start), or try it without: npm start -- --simulate 3',
  });
}

const bootId = async (): Promise<string> => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();

/** Everything in it can be made again from the log: what is damaged is thrown away. */
async function openState(dir: string, log: Logger): Promise<Store> {
  try {
    return await openLevel(dir);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'DAMAGED') throw error;
    log.warn({ error: error.message }, 'the state database is damaged: it is made again from the log');
    await rm(dir, { recursive: true, force: true });
    return openLevel(dir);
  }
}

/** Whether this data directory has ever run an engine of its own. */
const hasOwnEngine = (dataDir: string): Promise<boolean> =>
  access(join(dataDir, 'engine', 'root')).then(
    () => true,
    () => false,
  );

async function certificateWishes({ dataDir, hostNames }: Settings): Promise<CertificateWishes> {
  const { signal } = new AbortController();
  const { addresses } = await realHost().facts({ signal, timeoutMs: 5000, progress: () => {} });
  return {
    dir: join(dataDir, 'tls'),
    names: ['localhost', hostname(), ...hostNames],
    addresses: ['127.0.0.1', '::1', ...addresses],
    clock: realClock,
  };
}

async function readiness(docker: DockerPort, lab: RunningLab): Promise<readonly Readiness[]> {
  const call = { signal: AbortSignal.timeout(5000), timeoutMs: 5000, progress: () => {} };
  const engine = await docker.info(call).then(
    () => ({ name: 'engine', ok: true }),
    (error: unknown) => ({ name: 'engine', ok: false, detail: String(error) }),
  );
  return [engine, { name: 'history', ok: lab.current }];
}

function welcomeLines(
  urls: readonly string[],
  admin: string,
  password: string | undefined,
  fingerprint: string | undefined,
): readonly string[] {
  const lines = [`FloatLab ${version} is ready: ${urls.join('  ')}`];
  if (fingerprint !== undefined) lines.push(`  its authority has the SHA-256 fingerprint ${fingerprint}`);
  if (password !== undefined) {
    lines.push(
      `  name      ${admin}`,
      `  password  ${password}`,
      'The password is shown once and kept nowhere: change it after you have signed in.',
    );
  }
  return lines;
}
