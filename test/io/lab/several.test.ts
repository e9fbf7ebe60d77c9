/** One lab on several nodes: any of them takes commands, and all of them know the same. */
import { afterEach, expect, test } from 'vitest';
import { facts } from './laboratory.ts';
import { SeveralNodes, type LabNode } from './several.ts';

const never = new AbortController().signal;
let several: SeveralNodes;
afterEach(() => several.stop());

async function nodesOf(count: number): Promise<readonly LabNode[]> {
  several = new SeveralNodes();
  return several.start(count);
}

const createNamespace = ({ lab }: LabNode, id: string, name: string) =>
  lab.run({ id, name: 'create-namespace', input: { name }, by: 'user:admin' }, never);

const namesAt = ({ lab }: LabNode): readonly string[] =>
  lab.view.list('namespace').map(({ context }) => context.metadata.name);

const allKnow = (name: string) =>
  several.group.until(() => several.nodes.every((node) => namesAt(node).includes(name)), `all knowing ${name}`);

test('any node takes a command; whoever asked finds what it did where it asked', async () => {
  const nodes = await nodesOf(3);
  for (const [n, node] of nodes.entries()) {
    const result = await createNamespace(node, `c${n}`, `team-${n}`);
    expect(result).toMatchObject({ unchanged: false });
    expect(namesAt(node)).toContain(`team-${n}`);
  }
  await allKnow('team-2');
  const [first, ...others] = nodes.map(namesAt);
  for (const names of others) expect(names).toEqual(first);
});

test('a rejection comes back in the same words from every node', async () => {
  const nodes = await nodesOf(3);
  await createNamespace(nodes[0] as LabNode, 'c1', 'team');
  const answers = [];
  for (const [n, node] of nodes.entries()) answers.push(await createNamespace(node, `again-${n}`, 'team'));
  for (const answer of answers) expect(answer).toEqual({ rejected: expect.objectContaining({ code: 'NAME_TAKEN' }) });
  expect(answers[1]).toEqual(answers[0]);
});

test('a command whose answer was lost, and that is tried again, takes effect once', async () => {
  const nodes = await nodesOf(3);
  const leader = await several.leader();
  const follower = nodes.find((node) => node !== leader) as LabNode;
  await several.group.until(() => follower.lab.leadership?.leader === leader.node);
  follower.others.losesNextAnswer = true;
  const result = await createNamespace(follower, 'once', 'team');
  expect(result).toMatchObject({ unchanged: false });
  expect(namesAt(follower).filter((name) => name === 'team')).toHaveLength(1);
});

test('when the leader dies in the middle, commands go on at another one, each exactly once', async () => {
  const nodes = await nodesOf(3);
  const leader = await several.leader();
  const follower = nodes.find((node) => node !== leader) as LabNode;
  const running = Array.from({ length: 40 }, (_, n) => createNamespace(follower, `c${n}`, `team-${n}`));
  await several.group.until(() => namesAt(follower).includes('team-3'));
  await several.kill(leader);
  for (const result of await Promise.all(running)) expect(result).toMatchObject({ unchanged: false });
  const names = namesAt(follower);
  for (let n = 0; n < 40; n++) expect(names.filter((name) => name === `team-${n}`)).toHaveLength(1);
});

test('without a majority a command is refused in words and in time, and nothing of it happens later', async () => {
  const nodes = await nodesOf(3);
  const { group } = several;
  for (const { member } of nodes) group.isolate(member.peer);
  await group.until(() => nodes.every(({ lab }) => !lab.hasLeader), 'everybody hearing nobody');
  const askedAtMs = group.clock.monotonicMs();
  for (const [n, node] of nodes.entries()) {
    await expect(createNamespace(node, `lost-${n}`, `lost-${n}`)).rejects.toMatchObject({
      code: 'NO_QUORUM',
      message: expect.stringContaining('no majority of its voters answers'),
    });
  }
  expect(group.clock.monotonicMs() - askedAtMs).toBeLessThan(nodes.length * 6000);
  group.heal();
  await several.leader();
  for (const [n, node] of nodes.entries()) await createNamespace(node, `after-${n}`, `after-${n}`);
  await allKnow('after-2');
  for (const node of nodes) expect(namesAt(node).filter((name) => name.startsWith('lost'))).toEqual([]);
});

test('policies run on the leader alone, and hear of nodes that other nodes tell of', async () => {
  const nodes = await nodesOf(3);
  const leader = await several.leader();
  const follower = nodes.find((node) => node !== leader) as LabNode;
  const node = `node:${follower.node}` as const;
  const join = { node, name: 'bolt', addresses: [], facts };
  await follower.lab.run({ id: 'join', name: 'join-node', input: join, by: node }, never);
  const figures = { at: 1, cpu: 0.5 };
  follower.lab.observedRows.put('usage', node, figures);
  await several.group.until(() => leader.lab.observed('usage').length === 1, 'the leader hearing of it');
  expect(leader.lab.observed('usage')).toEqual([[node, figures]]);
  follower.lab.observedRows.delete('usage', node);
  await several.group.until(() => leader.lab.observed('usage').length === 0, 'it being over');
  follower.lab.observedRows.put('usage', node, figures);
  await several.group.until(() => leader.lab.observed('usage').length === 1);
  await several.kill(follower);
  await several.group.until(() => leader.lab.observed('usage').length === 0, 'forgetting what a dead node told');
});

test('somebody who looks at one node makes the others measure', async () => {
  const nodes = await nodesOf(2);
  const [first, second] = nodes as [LabNode, LabNode];
  expect(second.lab.observedRows.isWatched('usage')).toBe(false);
  const stop = first.lab.watchObserved('usage', () => {});
  await several.group.until(() => second.lab.observedRows.isWatched('usage'), 'the other node measuring');
  stop();
  await several.group.until(() => !second.lab.observedRows.isWatched('usage'), 'it stopping');
});

test('whoever reads on another node, and asks to be sure, finds what was acknowledged; without a majority nobody is sure', async () => {
  const nodes = await nodesOf(3);
  const leader = await several.leader();
  const followers = nodes.filter((node) => node !== leader);
  await createNamespace(leader, 'c1', 'team');
  for (const node of followers) {
    await node.lab.readIndex(never);
    expect(namesAt(node)).toContain('team');
  }
  await several.group.until(() => followers.every(({ lab }) => lab.hasLeader), 'everybody knowing who leads');
  const [last] = followers as [LabNode];
  for (const node of [...nodes]) if (node !== last) await several.kill(node);
  await several.group.until(() => !last.lab.hasLeader, 'noticing that nobody leads');
  await expect(last.lab.readIndex(never)).rejects.toMatchObject({ code: 'NO_QUORUM' });
});
