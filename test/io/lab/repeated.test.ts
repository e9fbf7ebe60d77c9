/** A command that is sent again takes effect once, or is refused: however long ago it was, and whatever came since. */
import { beforeEach, describe, expect, test } from 'vitest';
import { asIndex } from '#events/envelope.ts';
import type { RunRequest } from '#io/lab/port.ts';
import type { RunningLab } from '#io/lab/running.ts';
import { entryFor, never } from '#test/io/log/entries.ts';
import { facts, Laboratory } from './laboratory.ts';

/** More than the lab remembers. */
const many = 10_100;

const create: RunRequest = { id: 'k1', name: 'create-namespace', input: { name: 'team' }, by: 'user:admin' };
const remove: RunRequest = { id: 'k2', name: 'delete-namespace', input: { name: 'team' }, by: 'user:admin' };
const join: RunRequest = {
  id: 'drawn',
  name: 'join-node',
  input: { node: 'node:a', name: 'atlas', addresses: [], facts },
  by: 'node:a',
};

describe('a command that is sent again', { timeout: 60_000 }, () => {
  let laboratory: Laboratory;
  let first: Awaited<ReturnType<RunningLab['run']>>;
  beforeEach(async () => {
    laboratory = new Laboratory();
    const { lab, eventLog, close } = await laboratory.open();
    first = await lab.run(create, never);
    await lab.run(remove, never);
    await Promise.all(Array.from({ length: many }, (_, n) => eventLog.append(entryFor([`volume:${n % 50}`]), never)));
    await lab.replica.applied(eventLog.head);
    expect(lab.view.byName('namespace', 'system', 'team')).toBeUndefined();
    expect(lab.replica.folded.lab.command('k1')).toBeUndefined();
    await close();
  });

  test.each([
    ['from the state database', () => {}],
    ['from a history that is folded again', (of: Laboratory) => of.loseState()],
  ])('by a person, however late, gets the first answer, and does nothing: %s', async (_, lose) => {
    lose(laboratory);
    const { lab, eventLog, close } = await laboratory.open();
    const before = eventLog.head;
    expect('rejected' in first).toBe(false);
    const events = 'events' in first ? first.events.map((event) => ({ ...event, words: '' })) : [];
    expect(await lab.run(create, never)).toMatchObject({ index: 'index' in first ? first.index : 0, events });
    expect(eventLog.head).toBe(before);
    expect(lab.view.list('namespace').map(({ context }) => context.metadata.name)).not.toContain('team');
    // With another id it is another command.
    expect(await lab.run({ ...create, id: 'k3' }, never)).toMatchObject({ unchanged: false });
    await close();
  });

  test('by a node, later than the lab can remember, is refused, and says what to do', async () => {
    const { lab, eventLog, close } = await laboratory.open();
    const before = eventLog.head;
    expect(await lab.run({ ...join, since: asIndex(5) }, never)).toMatchObject({
      rejected: { code: 'EXPIRED', hint: expect.stringContaining('issue it anew') },
    });
    expect(eventLog.head).toBe(before);
    const fresh = { ...join, since: lab.index };
    const answer = await lab.run(fresh, never);
    expect(answer).toMatchObject({ unchanged: false });
    // Within what is remembered it is the same command.
    expect(await lab.run(fresh, never)).toMatchObject({ index: 'index' in answer ? answer.index : 0 });
    await close();
  });
});
