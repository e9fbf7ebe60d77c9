/**
 * A network of machines on this one: each in a network namespace of its own, all on one bridge, which is in a namespace
 * too. The test itself has a foot on the bridge, so that it reaches every machine whatever is cut between them.
 *
 *   test (…254) ── veth ──┐
 *   machine 1 (…1) ─ veth ─┤ bridge
 *   machine 2 (…2) ─ veth ─┘
 *
 * Links are cut by a packet filter at the receiving end, one direction at a time: neither side gets a reset, as with a
 * cable that was pulled, unless a test asks for that. Addresses are of 198.18.0.0/15, which is for tests and nowhere routed (RFC 2544).
 */
import { randomInt } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './host.ts';

/** Packets from one machine to another. */
interface Way {
  readonly from: number;
  readonly to: number;
  /** Connections are ended at once, with their next packet; else nobody hears why it is so quiet. */
  readonly resets?: true;
}

export class Network {
  readonly #id: string;
  readonly #subnet: string;
  readonly #folder: string;
  readonly #machines = new Set<number>();
  #cut: readonly Way[] = [];

  private constructor(id: string, subnet: string, folder: string) {
    this.#id = id;
    this.#subnet = subnet;
    this.#folder = folder;
  }

  static async make(): Promise<Network> {
    const taken = new Set(
      Object.values(networkInterfaces()).flatMap(
        (all) => all?.map(({ address }) => address.replace(/\.\d+$/, '')) ?? [],
      ),
    );
    let net = randomInt(512);
    while (taken.has(subnetOf(net))) net = randomInt(512);
    const id = `fl${process.pid.toString(36)}${net.toString(36)}`;
    const network = new Network(id, subnetOf(net), await mkdtemp(join(tmpdir(), 'floatlab-net-')));
    try {
      await network.#begin();
    } catch (error) {
      await network.dispose();
      throw error;
    }
    return network;
  }

  async #begin(): Promise<void> {
    const hub = this.#hub;
    await run('ip', 'netns', 'add', hub);
    await run('ip', '-n', hub, 'link', 'add', 'name', 'bridge', 'type', 'bridge');
    await run('ip', '-n', hub, 'link', 'set', 'bridge', 'up');
    await this.#plug('h', undefined, 254);
  }

  get #hub(): string {
    return `${this.#id}-hub`;
  }

  namespaceOf(machine: number): string {
    return `${this.#id}-${machine}`;
  }

  addressOf(machine: number): string {
    return `${this.#subnet}.${machine}`;
  }

  /** @param machine 1 to 200 */
  async add(machine: number): Promise<void> {
    const namespace = this.namespaceOf(machine);
    await run('ip', 'netns', 'add', namespace);
    this.#machines.add(machine);
    await run('ip', '-n', namespace, 'link', 'set', 'lo', 'up');
    await this.#plug(`${machine}`, namespace, machine);
  }

  /** A cable from the bridge to a namespace; to the one of the test, without. */
  async #plug(name: string, namespace: string | undefined, host: number): Promise<void> {
    const [inner, outer] = [`${this.#id}-${name}`, `port${name}`];
    await run('ip', 'link', 'add', 'name', inner, 'type', 'veth', 'peer', 'name', outer, 'netns', this.#hub);
    await run('ip', '-n', this.#hub, 'link', 'set', outer, 'master', 'bridge', 'up');
    const at = namespace === undefined ? [] : ['-n', namespace];
    if (namespace !== undefined) await run('ip', 'link', 'set', inner, 'netns', namespace);
    await run('ip', ...at, 'address', 'add', `${this.#subnet}.${host}/24`, 'dev', inner);
    await run('ip', ...at, 'link', 'set', inner, 'up');
  }

  /** Nothing goes from the one to the other any more; the way back stays as it is. */
  cutWay(from: number, to: number): Promise<void> {
    return this.#set([...this.#cut, { from, to }]);
  }

  /** What the one sends to the other ends the connection that it is sent on, and new ones are refused. */
  resetWay(from: number, to: number): Promise<void> {
    return this.#set([...this.#cut, { from, to, resets: true }]);
  }

  /** Neither hears anybody of the others. `in`: it hears nobody; `out`: nobody hears it. */
  isolate(machine: number, direction: 'both' | 'in' | 'out' = 'both'): Promise<void> {
    const others = [...this.#machines].filter((other) => other !== machine);
    const ways: Way[] = [];
    for (const other of others) {
      if (direction !== 'out') ways.push({ from: other, to: machine });
      if (direction !== 'in') ways.push({ from: machine, to: other });
    }
    return this.#set([...this.#cut, ...ways]);
  }

  heal(): Promise<void> {
    return this.#set([]);
  }

  async #set(ways: readonly Way[]): Promise<void> {
    const touched = [...this.#machines].filter((machine) => [...this.#cut, ...ways].some(({ to }) => to === machine));
    this.#cut = ways;
    await Promise.all(touched.map((machine) => this.#filter(machine)));
  }

  async #filter(machine: number): Promise<void> {
    const drops = this.#cut
      .filter(({ to }) => to === machine)
      .map(
        ({ from, resets }) =>
          `    ip saddr ${this.addressOf(from)} ${resets ? 'meta l4proto tcp reject with tcp reset' : 'drop'}`,
      );
    const chain = ['  chain cut {', '    type filter hook input priority 0;', ...drops, '  }'];
    const rules = ['table ip lab {}', 'flush table ip lab', 'table ip lab {', ...chain, '}', ''].join('\n');
    const file = join(this.#folder, `${machine}.nft`);
    await writeFile(file, rules);
    await run('nsenter', `--net=/run/netns/${this.namespaceOf(machine)}`, 'nft', '-f', file);
  }

  /** Goes on whatever is missing. */
  async dispose(): Promise<void> {
    for (const machine of this.#machines) await run('ip', 'netns', 'del', this.namespaceOf(machine)).catch(() => {});
    await run('ip', 'netns', 'del', this.#hub).catch(() => {});
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const subnetOf = (net: number): string => `198.${18 + (net >> 8)}.${net & 255}`;
