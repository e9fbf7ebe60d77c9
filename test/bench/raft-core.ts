/**
 * The consensus core alone: a group in memory, whose disks and network take no time. `npx tsx test/bench/raft-core.ts
 * [--quick]` prints entries per second and nanoseconds per message, by the size of batches and of the group.
 *
 * Beside it, in the same run and by turns, a loop that carries the very same messages (recorded before) from queue to
 * queue and appends their entries to lists, without a thought: what consensus costs is the difference.
 */
import { firstSnapshot } from '#events/raft/beginning.ts';
import { configurationOf } from '#events/raft/configuration.ts';
import { asPeer, type Entry, type PeerId } from '#events/raft/entry.ts';
import type { Message } from '#events/raft/message.ts';
import { Raft } from '#events/raft/raft.ts';
import { defaultSettings } from '#events/raft/settings.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { median, type Row } from './table.ts';

const payload = new Uint8Array(256);
const compactEvery = 8192;

interface Node {
  readonly raft: Raft;
  compacted: number;
}

/** Carries everything out at once, until nothing is left to do. */
class Cluster {
  readonly #nodes = new Map<PeerId, Node>();
  readonly #queue: Message[] = [];
  readonly leader: Raft;
  messages = 0;
  /** Takes down what is carried, where somebody wants it. */
  record: Message[] | undefined;

  constructor(size: number) {
    const ids = Array.from({ length: size }, (_, at) => asPeer(`member ${at + 1}`));
    const configuration = configurationOf(ids);
    const { next } = seededRandom(1);
    const hardState = { term: 1, vote: undefined, commit: 1 };
    const start = { hardState, snapshot: firstSnapshot(configuration), entries: [] };
    for (const id of ids)
      this.#nodes.set(id, { raft: new Raft({ ...start, id }, defaultSettings, next), compacted: 0 });
    const [first] = this.#nodes.values();
    if (!first) throw new Error('a group has a member');
    this.leader = first.raft;
    this.leader.campaign();
    this.#settle();
    if (this.leader.status.role.name !== 'leader') throw new Error('nobody was elected');
  }

  commit(batch: readonly Uint8Array[]): void {
    this.leader.propose(batch);
    this.#settle();
  }

  #settle(): void {
    for (const node of this.#nodes.values()) this.#drain(node);
    for (let at = 0; at < this.#queue.length; at++) {
      const message = this.#queue[at];
      const node = message && this.#nodes.get(message.to);
      if (!node) continue;
      this.messages++;
      this.record?.push(message);
      node.raft.step(message);
      this.#drain(node);
    }
    this.#queue.length = 0;
  }

  #drain(node: Node): void {
    const { raft } = node;
    while (raft.hasReady()) {
      const { send, store, apply } = raft.ready();
      for (const message of send) this.#queue.push(message);
      if (store) {
        for (const message of store.thenSend) this.#queue.push(message);
        raft.advance({ stored: store.mark });
      }
      const last = apply.at(-1)?.index;
      if (last === undefined) continue;
      raft.advance({ applied: last });
      if (last - node.compacted < compactEvery) continue;
      raft.snapshotTaken(raft.snapshotMeta());
      node.compacted = raft.compact(last - compactEvery / 8);
    }
  }
}

/** The peer: the same messages, carried and forgotten. */
function carry(messages: readonly Message[], times: number): number {
  const lists = new Map<PeerId, Entry[]>();
  const queue: Message[] = [];
  let carried = 0;
  for (let time = 0; time < times; time++) {
    for (const message of messages) {
      queue.push(message.type === 'append' ? { ...message, entries: [...message.entries] } : { ...message });
      const taken = queue.pop();
      if (!taken) continue;
      carried++;
      if (taken.type !== 'append') continue;
      const list = lists.get(taken.to) ?? [];
      if (list.length > compactEvery) list.length = 0;
      for (const entry of taken.entries) list.push(entry);
      lists.set(taken.to, list);
    }
  }
  return carried;
}

const seconds = (run: () => void): number => {
  const began = performance.now();
  run();
  return (performance.now() - began) / 1000;
};

interface Measured {
  readonly size: number;
  readonly batch: number;
  readonly entriesPerSecond: number;
  readonly nsPerMessage: number;
  readonly messagesPerEntry: number;
  readonly carriedNsPerMessage: number;
}

function measure(size: number, batch: number, entries: number, runs: number): Measured {
  const data = Array.from({ length: batch }, () => payload);
  const rounds = Math.min(20_000, Math.max(500, Math.round(entries / batch)));
  const sample = new Cluster(size);
  const messages: Message[] = [];
  sample.record = messages;
  const sampled = Math.min(rounds, 64);
  for (let round = 0; round < sampled; round++) sample.commit(data);

  const core: number[] = [];
  const perMessage: number[] = [];
  const carried: number[] = [];
  let count = 0;
  for (let run = 0; run <= runs; run++) {
    const cluster = new Cluster(size);
    const before = cluster.messages;
    const took = seconds(() => {
      for (let round = 0; round < rounds; round++) cluster.commit(data);
    });
    count = cluster.messages - before;
    let carriedCount = 0;
    const tookCarrying = seconds(() => (carriedCount = carry(messages, Math.ceil(rounds / sampled))));
    // The first warms up.
    if (run === 0) continue;
    core.push((rounds * batch) / took);
    perMessage.push((took * 1e9) / Math.max(1, count));
    carried.push((tookCarrying * 1e9) / Math.max(1, carriedCount));
  }
  return {
    size,
    batch,
    entriesPerSecond: median(core),
    nsPerMessage: median(perMessage),
    messagesPerEntry: count / (rounds * batch),
    carriedNsPerMessage: median(carried),
  };
}

const shapes = [
  ...[1, 16, 64, 256, 512].map((batch) => ({ size: 3, batch })),
  ...[1, 5, 7, 9].map((size) => ({ size, batch: 64 })),
];

export function benchRaftCore(entries = 200_000, runs = 5): Row[] {
  return shapes.flatMap(({ size, batch }) => {
    const measured = measure(size, batch, entries, runs);
    const what = `consensus core, ${size} ${size === 1 ? 'member' : 'members'}, batches of ${batch}`;
    const row: Row = { what, value: measured.entriesPerSecond, unit: 'entries/s' };
    if (size === 1) return [row];
    const peer = { peer: measured.carriedNsPerMessage, peerIs: 'the same messages, only carried' };
    return [row, { what: `${what}, a message`, value: measured.nsPerMessage, unit: 'ns', ...peer }];
  });
}

if (process.argv[1] === import.meta.filename) {
  const isQuick = process.argv.includes('--quick');
  const [entries, runs] = isQuick ? [20_000, 3] : [200_000, 7];
  const number = (value: number): string => Math.round(value).toLocaleString('en');
  console.log('| members | batch | entries/s | messages/entry | ns/message | only carried, ns | ratio |');
  console.log('| ------: | ----: | --------: | -------------: | ---------: | ---------------: | ----: |');
  for (const { size, batch } of shapes) {
    const one = measure(size, batch, entries, runs);
    const ratio = one.nsPerMessage / one.carriedNsPerMessage;
    const cells =
      size === 1
        ? ['0', '–', '–', '–']
        : [
            one.messagesPerEntry.toFixed(2),
            number(one.nsPerMessage),
            number(one.carriedNsPerMessage),
            ratio.toFixed(1),
          ];
    console.log(`| ${[size, batch, number(one.entriesPerSecond), ...cells].join(' | ')} |`);
  }
}
