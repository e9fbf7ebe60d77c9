/** A client of the group as a process: calls the leader over one link, as a node does that forwards commands. */
import { setTimeout as wait } from 'node:timers/promises';
import { Packr } from 'msgpackr';
import pino from 'pino';
import type { Entry } from '#events/envelope.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import type { LinkIdentity } from '#io/links/identity.ts';
import { Mesh } from '#io/links/mesh.ts';
import type { ThreadPeer } from '#io/log/raft/thread/protocol.ts';
import { measure, valueBytes, writeMany, type Load } from './load.ts';
import { answerCalls } from './answer.ts';

export interface ClientStart {
  readonly identity: LinkIdentity;
  readonly members: readonly ThreadPeer[];
}

const packr = new Packr({ useRecords: false, moreTypes: false, int64AsType: 'number' });
const { signal } = new AbortController();
let mesh: Mesh | undefined;
let members: readonly string[] = [];
let leader = '';
let count = 0;

async function start(given: ClientStart): Promise<void> {
  const log = pino({ level: 'silent' });
  mesh = new Mesh({ identity: () => given.identity, clock: realClock, random: realRandom, log });
  members = given.members.map(({ node }) => node);
  mesh.setNodes(given.members);
}

/** An event whose data is a value of 256 bytes. */
function entryOf(writer: number): Entry {
  const n = ++count;
  return {
    command: `${process.pid}-${n}`,
    by: 'user:bench',
    cause: 'bench',
    correlation: 'bench',
    at: 1_700_000_000_000 + n,
    expect: [],
    drafts: [
      {
        stream: `operation:bench-${writer}`,
        type: 'operation.failed',
        schema: 1,
        data: { problem: { code: 'BENCH', message: value } },
      },
    ],
  };
}
const value = 'x'.repeat(valueBytes);

async function append(to: string, writer: number): Promise<number> {
  if (!mesh) throw new Error('the client was not started');
  const answer = packr.unpack(await mesh.call(to, 'bench/append', packr.pack(entryOf(writer)), signal)) as unknown;
  if (typeof answer === 'number') return answer;
  throw new Error(`an append was answered by ${String(answer)}`);
}

/** Asks one after another until one of them appends. @returns when it had, as `Date.now()` */
async function untilAppended(withinMs: number): Promise<number> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    for (const node of members) {
      try {
        await append(node, 0);
        leader = node;
        return Date.now();
      } catch (error) {
        if (performance.now() > endMs) throw error;
      }
    }
    await wait(5);
  }
}

answerCalls(
  {
    start,
    untilAppended,
    leader: async () => leader,
    measure: (load: Load) => measure(load, (writer) => append(leader, writer)),
    /** @returns the index of the last one */
    write: async ({ events, outstanding }: { readonly events: number; readonly outstanding: number }) => {
      let last = 0;
      await writeMany(events, outstanding, async (writer) => {
        last = Math.max(last, await append(leader, writer));
      });
      return last;
    },
  },
  async () => mesh?.close(),
);
