/** `floatlabd --simulate N`: the simulated world of the tests, in real time, behind the real API and web app. */
import { hash } from '@node-rs/argon2';
import { realClock } from '../devices/clock/real.ts';
import { IoError } from '../devices/error.ts';
import { isLoopback } from '../http/auth/hosts.ts';
import { loneSigner } from '../http/auth/signer.ts';
import { World } from '../world/world.ts';
import type { RunningDaemon } from './main.ts';
import type { DaemonContext } from './real-node.ts';
import { makePassword } from './password.ts';
import { deploySample, sampleFile, sampleName } from './sample.ts';
import { serve } from './serve.ts';
import { backUpSample } from './simulated-backups.ts';
import type { Settings } from './settings.ts';
import { simulationOf } from './simulation.ts';
import { version } from './version.ts';
import { loginCommand } from './welcome.ts';

export async function openSimulatedLab(
  settings: Settings,
  { log, onBroken }: Omit<DaemonContext, 'isTerminal'>,
): Promise<RunningDaemon> {
  if (!settings.listen.every(({ host }) => isLoopback(host))) {
    throw new IoError('INVALID', {
      op: 'floatlabd',
      target: '--listen',
      message: 'a simulated lab is served on this machine only',
      hint: 'Leave --listen out, or give it a loopback address such as 127.0.0.1:7400.',
    });
  }
  const world = new World({
    nodes: settings.simulate ?? 1,
    seed: 1,
    clock: realClock,
    log,
    version,
    diskLatencyMs: 1,
    onBroken,
  });
  const { lab, containers, files, disks, adoptable, adoption, backupFiles, vaults, nodes } = await world.start();
  const password = makePassword();
  const server = await serve({
    settings,
    lab,
    containers,
    files,
    disks,
    adoptable,
    adoption,
    backups: { files: backupFiles, vaults },
    blobs: world.blobs,
    log,
    credentials: {
      adminName: 'admin',
      passwordHash: await hash(password),
      initialPassword: false,
      save: () => Promise.resolve(),
    },
    signer: loneSigner(),
    tls: undefined,
    simulation: simulationOf(
      world.machines.flatMap((machine) => {
        const node = nodes.get(machine.name);
        return node ? [{ ...machine, node }] : [];
      }),
    ),
    ready: () => Promise.resolve([]),
  });
  const stopping = new AbortController();
  let backedUp = Promise.resolve();
  if (settings.sample) {
    await deploySample(lab, { file: sampleFile, prepare: () => Promise.resolve(), log });
    const node = world.machines[0]?.name ?? '';
    backedUp = backUpSample({ lab, clock: realClock, log, node, app: sampleName }, stopping.signal);
  }
  return {
    welcome: [
      `FloatLab ${version} simulates ${settings.simulate} machines: ${server.urls.join('  ')}`,
      '  name      admin',
      `  password  ${password}`,
      `  sign in   ${loginCommand(server.urls[0] ?? '', process.cwd())}`,
      'Nothing here is real and nothing is kept; Ctrl-C ends it.',
    ],
    stop: async () => {
      stopping.abort();
      await backedUp;
      await server.close();
      await world.stop();
    },
  };
}
