/** A lab with a node beside the consensus group: people and programs use that node like any other. */
import { afterEach, expect, test } from 'vitest';
import { peerOf } from '#io/log/raft/engine/peer.ts';
import { SeveralNodes, type LabNode } from './several.ts';

const never = new AbortController().signal;
let several: SeveralNodes;
afterEach(() => several.stop());

const createNamespace = ({ lab }: LabNode, id: string, name: string) =>
  lab.run({ id, name: 'create-namespace', input: { name }, by: 'user:admin' }, never);

const namesAt = ({ lab }: LabNode): readonly string[] =>
  lab.view.list('namespace').map(({ context }) => context.metadata.name);

test('it takes commands, finds what they did, and reads nothing stale, also when the leader dies', async () => {
  several = new SeveralNodes();
  await several.start(3);
  const member = await several.group.add(peerOf('node4', 'a'));
  const beside = await several.open(member);
  several.nodes.push(beside);
  await several.group.until(() => member.follows, 'it following somebody');
  expect(await createNamespace(beside, 'c1', 'one')).toMatchObject({ unchanged: false });
  expect(namesAt(beside)).toContain('one');
  const leader = await several.leader();
  await createNamespace(leader, 'c2', 'two');
  await beside.lab.readIndex(never);
  expect(namesAt(beside)).toContain('two');
  await several.kill(leader);
  expect(await createNamespace(beside, 'c3', 'three')).toMatchObject({ unchanged: false });
  expect(namesAt(beside)).toContain('three');
  expect(beside.lab.leadership).toMatchObject({ mine: false, leader: (await several.leader()).node });
});
