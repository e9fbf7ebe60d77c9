/** Three real etcd members on loopback, as they come: every write is synced by a majority before it is acknowledged. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { execa } from 'execa';

export class EtcdGroup {
  readonly #members: readonly ChildProcess[];
  readonly endpoints: readonly string[];

  private constructor(members: readonly ChildProcess[], endpoints: readonly string[]) {
    this.#members = members;
    this.endpoints = endpoints;
  }

  /** @param ports two for each member */
  static async start(folder: string, ports: readonly (readonly [client: number, peer: number])[]): Promise<EtcdGroup> {
    const nodes = ports.map(([client, peer], at) => ({
      name: `etcd${at + 1}`,
      clientUrl: `http://127.0.0.1:${client}`,
      peerUrl: `http://127.0.0.1:${peer}`,
    }));
    const cluster = nodes.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
    await mkdir(folder, { recursive: true });
    const members = nodes.map(({ name, clientUrl, peerUrl }) =>
      spawn(
        'etcd',
        [
          ...['--name', name, '--data-dir', join(folder, name)],
          ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
          ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
          ...['--initial-cluster', cluster, '--initial-cluster-state', 'new', '--initial-cluster-token', 'bench'],
          ...['--logger', 'zap', '--log-level', 'fatal'],
        ],
        { stdio: 'ignore', env: { PATH: process.env['PATH'] } },
      ),
    );
    const group = new EtcdGroup(
      members,
      nodes.map(({ clientUrl }) => clientUrl),
    );
    try {
      await group.#untilHealthy();
    } catch (error) {
      await group.stop();
      throw error;
    }
    return group;
  }

  get pids(): readonly number[] {
    return this.#members.map(({ pid }) => pid as number);
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#members.map(async (member) => {
        if (member.exitCode !== null || member.signalCode !== null) return;
        const ended = new Promise((resolve) => member.once('exit', resolve));
        member.kill('SIGKILL');
        await ended;
      }),
    );
  }

  async #untilHealthy(): Promise<void> {
    const endMs = performance.now() + 15_000;
    for (const endpoint of this.endpoints) {
      for (;;) {
        const answer = await fetch(`${endpoint}/health`).catch(() => undefined);
        if (answer?.ok && ((await answer.json()) as { health?: string }).health === 'true') break;
        if (performance.now() > endMs) throw new Error('etcd did not become healthy within 15 s');
        await wait(100);
      }
    }
  }
}

/** @returns its version; installs it where that can be done, and says so. @throws with what to type where it cannot */
export async function haveEtcd(say: (line: string) => void): Promise<string> {
  const found = await version();
  if (found !== undefined) return found;
  const packages = ['etcd-server', 'etcd-client'];
  if (process.getuid?.() === 0) {
    say(`etcd is missing: installing ${packages.join(' and ')} with apt-get.`);
    // Debian begins a service with it: not here.
    const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    await execa('apt-get', ['install', '--yes', '--no-install-recommends', ...packages], { env, reject: false });
    const installed = await version();
    if (installed !== undefined) return installed;
  }
  throw new Error(`etcd is missing, which this measures against. Install it: apt-get install ${packages.join(' ')}`);
}

async function version(): Promise<string | undefined> {
  const { stdout, failed } = await execa('etcd', ['--version'], { reject: false });
  return failed ? undefined : /etcd Version: (\S+)/.exec(stdout)?.[1];
}
