/** What a node costs those that it asks. */
import { afterEach, expect, test } from 'vitest';
import { asks } from '#io/log/raft/following/neighbours.ts';
import { nodeOf } from '#io/log/raft/engine/peer.ts';
import type { TestMember } from '../engine/group.ts';
import { append, FollowedGroup } from './lab.ts';

let lab: FollowedGroup;
afterEach(() => lab.stop());

test('a node that asks without end is refused, and others are answered on', async () => {
  lab = await FollowedGroup.make(1, 2);
  const leader = await lab.group.leader();
  await append(leader);
  const [flooding, quiet] = lab.followers as [TestMember, TestMember];
  const to = nodeOf(leader.peer);
  const { signal } = new AbortController();
  const codeOf = (error: { readonly code: string }): string => error.code;
  const ask = (from: TestMember) =>
    from.others.ask(to, asks.position, { index: 1 }, signal).then(() => 'answered', codeOf);
  const read = async (from: TestMember, what: string): Promise<string> => {
    try {
      for await (const _ of from.others.read(to, what, { after: 0, fingerprint: 'another' }, signal)) break;
      return 'answered';
    } catch (error) {
      return codeOf(error as { code: string });
    }
  };
  const counts = async (all: Promise<string>[], of: string) =>
    (await Promise.all(all)).filter((one) => one === of).length;
  const many = <T>(make: () => T): T[] => Array.from({ length: 100 }, make);
  const busy = [
    await counts(
      many(() => ask(flooding)),
      'BUSY',
    ),
    await counts(
      many(() => read(flooding, asks.follow)),
      'BUSY',
    ),
    await counts(
      many(() => read(flooding, asks.head)),
      'BUSY',
    ),
  ];
  for (const refused of busy) expect(refused).toBeGreaterThan(60);
  expect([await ask(quiet), await read(quiet, asks.head), await read(quiet, asks.follow)]).toEqual([
    'answered',
    'answered',
    'UNLIKE',
  ]);
});
