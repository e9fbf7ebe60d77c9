/**
 * A lab for decisions, without I/O: commands are decided, appended to a list and folded at once.
 * Tests read given (run some commands) – when (run one) – then (what it drafted, or why it was refused).
 */
import { asIndex, type Entry, type LabEvent, type Principal, type StreamId } from '#events/envelope.ts';
import type { NodeFacts } from '#events/node.ts';
import type { CommandInputs, CommandName } from '#actors/commands.ts';
import { dispatch } from '#actors/dispatch.ts';
import { Lab } from '#actors/lab.ts';
import { libraries } from '#actors/libraries.ts';
import { machines } from '#actors/machines.ts';
import { Overlay } from '#actors/overlay.ts';
import type { Rejection } from '#actors/rejection.ts';
import { workOf } from '#actors/registry.ts';

// Labs of tests go on to later versions, which fold as the first one does.
for (const version of [2, 3]) libraries.set(version, machines);

const mainPool = (sizeBytes: number) => ({ name: 'main', driver: 'btrfs' as const, sizeBytes });

const startOfTime = Date.UTC(2026, 0, 1);

export class TestLab {
  readonly lab = new Lab();
  readonly entries: Entry[] = [];
  readonly events: LabEvent[] = [];
  readonly blobs: Uint8Array[] = [];
  /** What the last command would change, or changed. */
  changes: readonly string[] = [];
  now = startOfTime;
  readonly #prefix: string;
  #commands = 0;

  /** @param prefix of the ids of commands: histories that go on from one another need unlike ones */
  constructor(prefix = 'command') {
    this.#prefix = prefix;
  }

  /** A lab with one node that has an engine and a pool of 100 GiB. */
  static ready(): TestLab {
    const lab = new TestLab();
    lab.run('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
    lab.join('atlas');
    return lab;
  }

  join(name: string, sizeBytes = 100 * 2 ** 30, pools: NodeFacts['pools'] = [mainPool(sizeBytes)]): void {
    const facts = {
      architecture: 'x64',
      cpus: 4,
      memoryBytes: 2 ** 33,
      os: 'Debian 12',
      kernel: '6.1',
      engine: { name: 'docker', version: '20.10' },
      pools,
      version: '0.1.0',
    };
    this.run('join-node', { node: `node:${name}`, name, addresses: ['10.0.0.1'], facts }, `node:${name}`);
  }

  /** @returns the events, or the rejection */
  run<N extends CommandName>(
    name: N,
    input: CommandInputs[N],
    by: Principal = 'user:admin',
  ): { events: readonly LabEvent[]; rejected?: Rejection } {
    const outcome = dispatch({ id: `${this.#prefix}-${++this.#commands}`, name, input, by }, new Overlay(this.lab), {
      now: this.now,
      head: this.lab.index,
      address: (bytes) => addressOf(bytes),
      content: (address) => this.blobs.find((bytes) => addressOf(bytes) === address),
    });
    this.changes = 'prepared' in outcome ? outcome.prepared.changes : [];
    if ('rejected' in outcome) return { events: [], rejected: outcome.rejected };
    if ('unchanged' in outcome) return { events: [] };
    const { entry, steps, blobs } = outcome.prepared;
    this.entries.push(entry);
    this.blobs.push(...blobs);
    const events = steps.map(({ event }) => event);
    for (const event of events) this.lab.fold(event);
    this.events.push(...events);
    return { events };
  }

  /** The same, for commands that must succeed. */
  must<N extends CommandName>(name: N, input: CommandInputs[N], by: Principal = 'user:admin'): readonly LabEvent[] {
    const { events, rejected } = this.run(name, input, by);
    if (rejected) throw new Error(`${name} was refused: ${rejected.explain}`);
    return events;
  }

  /** Names of event types, in order. */
  types<N extends CommandName>(name: N, input: CommandInputs[N], by: Principal = 'user:admin'): readonly string[] {
    return this.must(name, input, by).map(({ type }) => type);
  }

  visit(stream: StreamId): number {
    return this.lab.get(stream)?.visit ?? 0;
  }

  get index(): number {
    return asIndex(this.lab.index);
  }

  volume(name: string): StreamId<'volume'> {
    return find(this.lab.byName('volume', 'default', name)?.stream, name);
  }
  app(name: string): StreamId<'app'> {
    return find(this.lab.byName('app', 'default', name)?.stream, name);
  }
  instance(app: string): StreamId<'instance'> {
    return find(this.lab.referrers(this.app(app), 'instance')[0]?.stream, app);
  }
  snapshot(volume: string, name: string): StreamId<'snapshot'> {
    const found = this.lab
      .referrers(this.volume(volume), 'snapshot')
      .find(({ context }) => context.metadata.name === name);
    return find(found?.stream, name);
  }

  /** The agent of the node says that every dataset it was asked for is there. */
  provision(): void {
    for (const volume of this.lab.list('volume')) {
      const order = workOf(volume, this.lab);
      if (order?.work !== 'create-dataset' && order?.work !== 'clone-dataset') continue;
      const { dataset } = order.input;
      this.must(
        'report-volume-provisioned',
        { volume: volume.stream, visit: volume.visit, dataset, path: `/pool/${dataset}` },
        order.node as Principal,
      );
    }
  }

  /** An app that runs, its volumes ready. */
  running(compose: string): void {
    const name = /^name: (\S+)/m.exec(compose)?.[1] ?? '';
    this.must('deploy-app', { compose });
    for (const volume of this.lab.list('volume').filter(({ state }) => state === 'unplaced')) {
      this.must('place-volume', { volume: volume.stream, node: 'node:atlas', pool: 'main' }, 'policy:placement');
    }
    this.provision();
    this.must('assign-instance', { app: this.app(name), node: 'node:atlas' }, 'policy:placement');
    this.started(name);
  }

  started(app: string): void {
    const instance = this.instance(app);
    const services = Object.keys(this.lab.get(this.app(app))?.context.spec.services ?? {});
    this.must(
      'report-instance-started',
      {
        instance,
        visit: this.visit(instance),
        services: Object.fromEntries(
          services.map((service) => [service, { state: 'running' as const, container: 'c1', restarts: 0 }]),
        ),
      },
      (this.lab.get(instance)?.context.node ?? 'node:atlas') as Principal,
    );
  }

  snapshotTaken(volume: string, name: string): void {
    this.must('take-snapshot', { name: volume, as: name });
    const snapshot = this.snapshot(volume, name);
    this.must(
      'report-snapshot-taken',
      { snapshot, visit: this.visit(snapshot), guid: `guid-${name}`, takenAt: this.now },
      'node:atlas',
    );
  }
}

function find<T>(found: T | undefined, name: string): T {
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

/** Good enough to tell contents apart: 64 hexadecimal digits that depend on every byte. */
function addressOf(bytes: Uint8Array): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash.toString(16).padStart(64, '0');
}
