/**
 * This machine as a node: engine, pool, databases and keys, then the lab on top of them.
 *
 * Everything is found or made, in an order in which a crash between any two steps is taken up by the next start. The
 * data directory is locked first, so that no second daemon touches any of it.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { realClock } from '../devices/clock/real.ts';
import type { Call } from '../devices/call.ts';
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
import { openBlobs } from '../stores/blobs.ts';
import { chooseEngine, chosenDocker } from './choose-engine.ts';
import { ensureIdentity, hasHistory, passwordWasShown } from './credentials.ts';
import { openDatabases } from './databases.ts';
import { startOwnEngine, type Engine } from './engine.ts';
import { keepEngine } from './engine-keeper.ts';
import { rememberEngine } from './engine-memory.ts';
import { checkLab, refuseOtherName } from './first-start.ts';
import { lockDataDir } from './lock.ts';
import type { RunningDaemon } from './main.ts';
import { ensureMetricsToken } from './metrics-token.ts';
import { writeNodeIni } from './node-ini.ts';
import { ensurePool } from './pool.ts';
import { deploySample, sampleFile } from './sample.ts';
import { hasSample, isSampleDue, sampleWasDeployed } from './sample-memory.ts';
import { serve } from './serve.ts';
import type { Settings } from './settings.ts';
import { version } from './version.ts';
import { welcomeLines } from './welcome.ts';
import { ensureWelcomeImage } from './welcome-image.ts';
import { wireLab } from './wire.ts';

export interface DaemonContext {
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Whether a person sits where the welcome is said. */
  readonly isTerminal: boolean;
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
    const isFirst = !(await hasHistory(dataDir));
    const identity = await ensureIdentity({
      dataDir,
      nodeName: settings.nodeName,
      random: realRandom,
      resetPassword: settings.resetPassword,
    });
    refuseOtherName(settings, identity.ini.node.name);
    const told = { info: (message: string) => log.info(message), warn: (message: string) => log.warn(message) };
    const pool = await ensurePool({
      dataDir,
      mountpoint: settings.pool,
      sizeBytes: settings.poolSizeBytes,
      log: told,
      signal,
    });
    const choice = await chooseEngine({
      dataDir,
      wanted: settings.engine,
      environment: process.env,
      hasHistory: !isFirst,
      log: told,
      signal,
    });
    if (choice.note !== undefined) log.warn(choice.note);
    const startEngine = (abort: AbortSignal): Promise<Engine> => startOwnEngine({ dataDir, log: told, signal: abort });
    if (choice.engine.kind === 'own') await startEngine(signal);
    await rememberEngine(dataDir, choice.engine);
    const docker = chosenDocker(choice);
    if (choice.engine.kind === 'own') {
      const keeper = keepEngine({ docker, restart: startEngine, clock: realClock, log });
      closing.push(() => keeper.stop());
    }
    const welcomeImage = (call: Call): Promise<void> => ensureWelcomeImage(docker, {}, call);
    if (choice.isOther && (await hasSample(dataDir)))
      await welcomeImage({ signal, timeoutMs: 120_000, progress: () => {} }).catch((error: unknown) =>
        log.warn({ error: String(error) }, 'the image of the welcome app could not be made'),
      );
    const isWelcomeDue = await isSampleDue(dataDir, { isFirst, wanted: settings.sample });
    const { ini } = identity;
    const blobs = openBlobs({ dir: join(dataDir, 'blobs'), key: ini.lab.dataKey });
    const wired = await wireLab({
      ...(await openDatabases(dataDir, log)),
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
    const notes = wired.isNew ? [] : checkLab(settings, wired.lab.view);
    const certificate = settings.listen.every(({ host }) => isLoopback(host))
      ? undefined
      : await ensureServerCertificate(await certificateWishes(settings, log));
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
      metricsToken: await ensureMetricsToken(dataDir),
      ready: () => readiness(docker, wired.lab),
    });
    closing.push(() => server.close());
    if (certificate) {
      const stopRenewing = keepServerCertificate({
        present: certificate,
        clock: realClock,
        wishes: () => certificateWishes(settings, log),
        onRenewed: (renewed) => {
          log.info({ expiresAt: new Date(renewed.expiresAt).toISOString() }, 'the server certificate was renewed');
          server.setTls(renewed);
        },
        onFailed: (error) => log.error({ error: String(error) }, 'the server certificate could not be renewed'),
      });
      closing.push(() => Promise.resolve(stopRenewing()));
    }
    if (isWelcomeDue && (await deploySample(wired.lab, { file: sampleFile, prepare: welcomeImage, log })))
      await sampleWasDeployed(dataDir);
    return {
      welcome: welcomeLines({
        urls: server.urls,
        admin: ini.admin.name,
        newPassword: identity.newPassword,
        fingerprint: certificate?.fingerprint,
        notes: [...notes, ...(choice.note === undefined ? [] : [choice.note])],
        isTerminal: context.isTerminal,
        folder: process.cwd(),
      }),
      shown: () => passwordWasShown(dataDir),
      stop,
    };
  } catch (error) {
    await stop().catch((failure: unknown) => log.error({ error: String(failure) }, 'could not tidy up'));
    throw error;
  }
}

export function needsRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new IoError('PERMISSION', {
    op: 'floatlabd',
    target: 'this machine',
    message: 'FloatLab needs root: it mounts pools and makes volumes.',
    hint: 'Run it as root (sudo npm start), or try it without: npm start -- --simulate 3',
  });
}

async function certificateWishes({ dataDir, hostNames }: Settings, log: Logger): Promise<CertificateWishes> {
  const { signal } = new AbortController();
  const { addresses } = await realHost().facts({ signal, timeoutMs: 5000, progress: () => {} });
  return {
    dir: join(dataDir, 'tls'),
    names: ['localhost', hostname(), ...hostNames],
    addresses: ['127.0.0.1', '::1', ...addresses],
    clock: realClock,
    warn: (message) => log.warn(message),
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
