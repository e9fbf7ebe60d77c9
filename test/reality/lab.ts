/**
 * A lab of real daemons on machines of their own: namespaces, disks and processes, made for a test and gone after it.
 *
 *   await using lab = await RealLab.make(3)
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { ClusterStatus } from '#io/contract/cluster.ts';
import { Api } from './api.ts';
import { Disk } from './disk.ts';
import { commandLine, until } from './host.ts';
import { Machine } from './machine.ts';
import { Network } from './network.ts';

interface MakeOptions {
  /** On which another lab is already; by default one of its own. */
  readonly network?: Network;
  /** Number of the first machine. */
  readonly first?: number;
  /** Of every machine, before it is started for the first time. */
  prepare?(machine: Machine): Promise<void>;
}

/** As whom the command line is typed; as the administrator, unless a token is shown. */
interface Typist {
  readonly token?: string;
}

/** What the command line said. */
export interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export class RealLab {
  readonly network: Network;
  readonly machines: Machine[] = [];
  readonly #ownsNetwork: boolean;
  readonly #apis = new Map<Machine, Api>();
  readonly #disks: Disk[] = [];
  #prepare: MakeOptions['prepare'];
  #ca: string | undefined = '';
  #token = '';
  #password = '';

  private constructor(network: Network, ownsNetwork: boolean) {
    this.network = network;
    this.#ownsNetwork = ownsNetwork;
  }

  /** So many machines, that all vote. */
  static async make(count: number, on: MakeOptions = {}): Promise<RealLab> {
    const lab = new RealLab(on.network ?? (await Network.make()), on.network === undefined);
    lab.#prepare = on.prepare;
    try {
      for (let number = on.first ?? 1; lab.machines.length < count; number++) await lab.#grow(number);
      // The more there are, the more changes of the group it takes until all vote.
      await lab.whole(60_000 + count * 10_000);
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return lab;
  }

  async #grow(number: number): Promise<void> {
    const [first] = this.machines;
    const machine = await this.machine(number);
    this.machines.push(machine);
    if (!first) {
      await machine.start();
      this.#password = /^ {2}password {2}(\S+)$/m.exec(machine.output)?.[1] ?? '';
      this.#ca = await readFile(join(machine.disk.dataDir, 'tls/ca.crt'), 'utf8');
      this.#token = await this.#tokenOf(machine);
      return;
    }
    const { token } = await this.api(first).joinToken();
    await machine.start(['--join', token]);
  }

  /** A machine on the network that belongs to no lab yet. */
  async machine(number: number, name?: string): Promise<Machine> {
    const disk = await Disk.make();
    this.#disks.push(disk);
    await this.network.add(number);
    const machine = new Machine(this.network, number, disk, name);
    await this.#prepare?.(machine);
    return machine;
  }

  /** Anew, after the time of the lab has become another one than this machine's: sessions of before have expired. */
  async signInElsewhen(at: Machine): Promise<void> {
    this.#ca = undefined;
    for (const api of this.#apis.values()) await api.close();
    this.#apis.clear();
    await this.signIn(at);
  }

  /** Anew, at a machine: with a node, or the key that it had, the sessions end that began there. */
  async signIn(at: Machine): Promise<void> {
    this.#token = await this.#tokenOf(at);
    for (const api of this.#apis.values()) api.use(this.#token);
  }

  /** As somebody who signed in at one machine, and asks another one. To be closed. */
  async apiOf(signedInAt: Machine, machine: Machine): Promise<Api> {
    return new Api({ url: machine.url, ca: this.#ca, token: await this.#tokenOf(signedInAt) });
  }

  async #tokenOf(at: Machine): Promise<string> {
    const stranger = new Api({ url: at.url, ca: this.#ca, token: undefined });
    try {
      return await stranger.signIn(this.#password);
    } finally {
      await stranger.close();
    }
  }

  api(machine: Machine): Api {
    const known = this.#apis.get(machine);
    if (known) return known;
    const api = new Api({ url: machine.url, ca: this.#ca, token: this.#token });
    this.#apis.set(machine, api);
    return api;
  }

  /** The command line, at a machine, as the administrator. */
  async cli(at: Machine, args: readonly string[], input = '', as: Typist = {}): Promise<Told> {
    const env = this.environmentOf(at, as);
    const ran = await execa(process.execPath, [commandLine, ...args], { env, input, reject: false, timeout: 60_000 });
    return { code: ran.exitCode ?? -1, out: ran.stdout, err: ran.stderr };
  }

  /** For a command line that is begun elsewhere, and asks this machine. */
  environmentOf(at: Machine, { token = this.#token }: Typist = {}): NodeJS.ProcessEnv {
    return {
      ...process.env,
      FLOATLAB_SERVER: at.url,
      FLOATLAB_TOKEN: token,
      NODE_EXTRA_CA_CERTS: join(this.#founder.disk.dataDir, 'tls/ca.crt'),
      XDG_CONFIG_HOME: join(this.#founder.disk.dataDir, 'nobody'),
      NO_COLOR: '1',
    };
  }

  /** That ends with 0. @returns what it wrote */
  async tells(at: Machine, ...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.cli(at, args);
    if (code !== 0) throw new Error(`floatlab ${args.join(' ')} ended with ${code}:\n${err}`);
    return out;
  }

  get #founder(): Machine {
    const [founder] = this.machines;
    if (!founder) throw new Error('the lab has no machine');
    return founder;
  }

  others(than: Machine): readonly Machine[] {
    return this.machines.filter((machine) => machine !== than);
  }

  /** @returns once all run, vote, and follow one leader */
  async whole(withinMs = 60_000): Promise<Machine> {
    return until('all machines vote and follow one leader', withinMs, async () => {
      const all = await Promise.all(this.machines.map((machine) => this.api(machine).status()));
      const leader = this.#machineOf(all[0]);
      const isWhole = all.every(
        (status) =>
          status.leader === all[0]?.leader &&
          status.term === all[0]?.term &&
          status.members.filter(({ votes }) => votes === 'voter').length === this.machines.length &&
          // Until a node that was replaced votes, the one of before is still counted.
          status.members.some(({ isSelf, votes }) => isSelf && votes === 'voter'),
      );
      return isWhole && leader;
    });
  }

  /** Whole, and any of them can be lost: each voter has the key of the lab's authority, which it fetches from another one. */
  async spare(withinMs?: number): Promise<void> {
    await this.whole(withinMs);
    await until('all voters have the key of the authority', 30_000, async () => {
      const keys = this.machines.map(({ disk }) => stat(join(disk.dataDir, 'tls/ca.key')));
      return (await Promise.allSettled(keys)).every(({ status }) => status === 'fulfilled');
    });
  }

  /** Who leads, as some of them say. */
  leader(among: readonly Machine[] = this.machines, withinMs = 10_000): Promise<Machine> {
    return until('a leader', withinMs, async () => {
      for (const machine of among) {
        const status = await this.api(machine)
          .status()
          .catch(() => undefined);
        const leader = this.#machineOf(status);
        if (leader && among.includes(leader)) return leader;
      }
      return undefined;
    });
  }

  #machineOf(status: ClusterStatus | undefined): Machine | undefined {
    const name = status?.members.find(({ node }) => node === status.leader)?.name;
    return this.machines.find((machine) => machine.name === name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const api of this.#apis.values()) await api.close();
    // Who waits for a disk does not end.
    for (const disk of this.#disks) await disk.thaw();
    for (const machine of this.machines) await machine.end('SIGKILL');
    for (const disk of this.#disks) await disk.dispose();
    if (this.#ownsNetwork) await this.network.dispose();
  }
}
