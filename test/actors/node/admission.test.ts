import { describe, expect, test } from 'vitest';
import { newcomer } from '#test/golden/history.ts';
import { dayMs, Door, sha } from '../door.ts';

describe('a node without a token', () => {
  test('waits until a person lets it in, and is in when it asks again', () => {
    const door = new Door();
    expect(door.types('vega', '2')).toEqual(['node.asked-to-join']);
    expect(door.node('vega')?.state).toBe('waiting');
    expect(door.types('vega', '2', { again: true })).toEqual([]);
    expect(door.lab.types('approve-node', { name: 'vega' })).toEqual(['node.approved']);
    expect(door.lab.types('approve-node', { name: 'vega' })).toEqual([]);
    expect(door.node('vega')?.state).toBe('waiting');
    // What it says now counts, not what it said then.
    expect(door.types('vega', '2', { again: true, addresses: ['10.0.0.77'] })).toEqual(['node.joined']);
    expect(door.node('vega')).toMatchObject({
      state: 'up',
      context: { addresses: ['10.0.0.77'], keySha256: sha('2') },
    });
    expect(door.lab.run('approve-node', { name: 'vega' }).rejected?.explain).toBe('Node vega is in the lab already.');
  });

  test('that was sent away is told so when it comes back for the answer, and may ask anew', () => {
    const door = new Door();
    door.types('vega', '2');
    expect(door.lab.types('refuse-node', { name: 'vega', because: 'nobody knows it' })).toEqual(['node.refused']);
    expect(door.node('vega')).toBeUndefined();
    expect(door.admit('vega', '2', { again: true }).rejected?.code).toBe('NODE_REFUSED');
    expect(door.types('vega', '2')).toEqual(['node.asked-to-join']);
  });

  test('that got a token meanwhile does not wait any more', () => {
    const door = new Door();
    door.types('vega', '2');
    const token = door.token('late');
    expect(door.types('vega', '2', { token })).toEqual(['node.joined', 'cluster.token-used']);
    expect(door.node('vega')?.state).toBe('up');
  });

  test('is nobody yet: nothing but yes and no can be said to it', () => {
    const door = new Door();
    door.types('vega', '2');
    for (const run of [
      () => door.lab.run('cordon-node', { name: 'vega' }),
      () => door.lab.run('change-node-role', { name: 'vega', role: 'learner' }),
      () => door.lab.run('remove-node', { name: 'vega' }),
      () => door.lab.run('leave-node', { name: 'vega' }),
    ]) {
      expect(run().rejected).toMatchObject({ code: 'NOT_NOW', explain: 'Node vega waits to be let in.' });
    }
  });

  test('finds at most fifty others at the door', () => {
    const door = new Door();
    for (let n = 0; n < 50; n++) door.types(`pi-${n}`, '2', { keySha256: n.toString(16).padStart(64, '0') });
    expect(door.admit('vega', '2').rejected?.code).toBe('TOO_MANY');
    expect(door.types('lyra', '3', { token: door.token('one') })).toContain('node.joined');
  });
});

describe('the bouncer at the door', () => {
  const withRules = (): Door => {
    const door = new Door();
    door.lab.must('change-bouncer', {
      rules: [
        { name: 'evil-*', do: 'refuse' },
        { address: '10.0.0.0/8', do: 'admit' },
        { name: 'ask-*', do: 'ask' },
        { do: 'refuse' },
      ],
    });
    return door;
  };

  test('lets in, asks or refuses by the first rule that fits', () => {
    const door = withRules();
    expect(door.types('vega', '2', { from: '10.1.1.1' })).toEqual(['node.joined']);
    expect(door.types('ask-me', '3', { from: '192.0.2.1' })).toEqual(['node.asked-to-join']);
    expect(door.admit('lyra', '4', { from: '192.0.2.1' }).rejected).toMatchObject({
      code: 'NODE_REFUSED',
      explain: "Rule 4 of the lab's bouncer lets node lyra not in.",
    });
  });

  test('believes the address that a request came from, not those that the node says it has', () => {
    const door = withRules();
    const claims = { addresses: ['10.1.1.1'] };
    expect(door.admit('vega', '2', { ...claims, from: '192.0.2.1' }).rejected?.code).toBe('NODE_REFUSED');
    expect(door.types('vega', '2', claims)).toEqual(['node.joined']);
  });

  test('judges machines without a token: a good one lets in whatever the rules say', () => {
    const door = withRules();
    expect(door.admit('evil-1', '2').rejected?.code).toBe('NODE_REFUSED');
    const token = door.token('one');
    expect(door.admit('evil-1', '2', { token: { ...token, hash: sha('0') } }).rejected?.code).toBe('TOKEN_UNKNOWN');
    expect(door.types('evil-1', '2', { token })).toContain('node.joined');
    expect(door.types('ask-me', '3', { token: door.token('two'), from: '192.0.2.1' })).toContain('node.joined');
  });
});

describe('a machine is not let in', () => {
  test('under a name that is taken, and is told what to do', () => {
    const door = new Door();
    const token = door.token('one');
    expect(door.admit('atlas', '2', { node: 'node:other', token }).rejected).toEqual({
      code: 'NAME_TAKEN',
      explain: 'There is already a node atlas.',
      hint: 'Join under another name: floatlabd --join … --name atlas-2.',
    });
    door.down('atlas');
    expect(door.admit('atlas', '2', { node: 'node:other', token }).rejected?.hint).toContain('--replaces atlas');
    door.types('vega', '3');
    expect(door.admit('vega', '4', { node: 'node:other', token }).rejected?.explain).toBe(
      'A node vega waits to be let in already.',
    );
  });

  test('under an id that belongs to another key: a data directory was copied', () => {
    const door = new Door();
    door.member('vega', '2');
    const { rejected } = door.admit('vega', '3', { token: door.token('one') });
    expect(rejected).toMatchObject({ code: 'NODE_KNOWN' });
    expect(rejected?.explain).toBe('The id of this node belongs to vega, which proves itself by another key.');
    expect(rejected?.hint).toContain('Was its data directory copied');
  });

  test('with the key of another node, or with another disk under its own id', () => {
    const door = new Door();
    door.member('vega', '2');
    const token = door.token('one');
    expect(door.admit('lyra', '2', { token }).rejected?.explain).toContain('Node vega proves itself by the same key');
    const { rejected } = door.admit('vega', '2', { token, incarnation: 'vega-disk-2' });
    expect(rejected).toMatchObject({ code: 'NODE_KNOWN' });
    expect(rejected?.hint).toContain('floatlab node token --replaces vega');
  });

  test.each([
    [10 * 365 * dayMs, '3650 d ahead of'],
    [-6 * 60_000, '6 m behind'],
    [5 * 60_000 + 1, '5 m ahead of'],
  ])('with a clock that is %i ms off', (offMs, words) => {
    const door = new Door();
    const { rejected } = door.admit('vega', '2', { token: door.token('one'), clock: door.lab.now + offMs });
    expect(rejected).toMatchObject({ code: 'CLOCK_WRONG', explain: `The clock of vega is ${words} the lab's.` });
  });

  test('that speaks no protocol of the lab', () => {
    const door = new Door();
    const { rejected } = door.admit('vega', '2', { token: door.token('one'), protocol: { min: 2, max: 3 } });
    expect(rejected).toEqual({
      code: 'PROTOCOL_UNSUPPORTED',
      explain: 'Node vega (FloatLab 0.2.0) speaks version 2 to 3 of the protocol between nodes; this lab speaks 1.',
      hint: 'Upgrade the nodes of the lab first.',
    });
  });

  test('but a clock that is a little off, and a newer program that still speaks the old protocol, are no reason', () => {
    const door = new Door();
    const more = { token: door.token('one'), clock: door.lab.now - 5 * 60_000, protocol: { min: 1, max: 4 } };
    expect(door.types('vega', '2', more)).toContain('node.joined');
  });

  test('and the lab is unharmed by any of it', () => {
    const door = new Door();
    const token = door.token('one');
    const count = door.lab.entries.length;
    door.admit('atlas', '2', { node: 'node:other', token });
    door.admit('vega', '2', { token, clock: 0 });
    door.admit('vega', '2', { token: { ...token, hash: sha('0') } });
    expect(door.lab.entries).toHaveLength(count);
    expect(door.types('vega', '2', { token })).toContain('node.joined');
  });
});

describe('a machine that is in', () => {
  test('and did not hear the answer is told the same, and its token is not used twice', () => {
    const door = new Door();
    const token = door.token('one');
    door.types('vega', '2', { token });
    expect(door.admit('vega', '2', { token })).toEqual({ events: [] });
    door.down('vega');
    expect(door.admit('vega', '2', { token })).toEqual({ events: [] });
  });

  test('runs no apps as a witness', () => {
    const door = new Door();
    door.member('pi', '2', { role: 'witness' });
    door.lab.must('create-volume', { name: 'loose', spec: { sizeBytes: 2 ** 26 } });
    const place = { volume: door.lab.volume('loose'), node: 'node:pi', pool: 'main' } as const;
    expect(door.lab.run('place-volume', place, 'policy:placement').rejected?.explain).toBe('Node pi is a witness.');
  });
});

describe('a machine that was started as a witness', () => {
  const facts = { ...newcomer('pi', '2').facts, engine: null, pools: [] };

  test('becomes a witness by a token for any node, as it says itself', () => {
    const door = new Door();
    expect(door.types('pi', '2', { facts, role: 'witness', token: door.token('one') })).toContain('node.joined');
    expect(door.node('pi')?.context.role).toBe('witness');
  });

  test('is not let in as something else, and is told why', () => {
    const door = new Door();
    const token = door.token('one', { role: 'learner' });
    expect(door.admit('pi', '2', { facts, role: 'witness', token }).rejected).toEqual({
      code: 'WITNESS_ONLY',
      explain:
        'Node pi was started with --witness: it has neither a container engine nor a pool, and can only vote. ' +
        'It was to be a learner, which runs apps.',
      hint: 'Join without --witness, or with a token for a witness: floatlab node token --role witness.',
    });
    expect(door.node('pi')).toBeUndefined();
  });

  test('takes the place of a witness, and of no node that runs apps', () => {
    const door = new Door();
    door.member('vega', '2');
    door.member('pi', '3', { role: 'witness', facts });
    const back = (name: string, digit: string) => {
      door.down(name);
      const token = door.token(`back-${name}`, { replaces: name });
      const { node: _, token: __, ...said } = door.asks(name, digit, { incarnation: `${name}-disk-2`, facts });
      return door.lab.run('replace-incarnation', { ...said, token }, 'system:join');
    };
    expect(back('vega', '4').rejected?.code).toBe('WITNESS_ONLY');
    expect(back('pi', '5').events.map(({ type }) => type)).toContain('node.replaced');
  });

  test('gets no other role later, and is told how its machine comes to one', () => {
    const door = new Door();
    door.member('pi', '2', { role: 'witness', facts });
    for (const role of ['any', 'learner'] as const) {
      const { rejected } = door.lab.run('change-node-role', { name: 'pi', role });
      expect(rejected).toMatchObject({ code: 'WITNESS_ONLY', explain: expect.stringContaining('it can only vote') });
      expect(rejected?.hint).toContain('without --witness');
    }
    // An engine that does not answer for a moment makes nobody a witness.
    door.member('vega', '3', { facts: { ...facts, pools: newcomer('vega', '3').facts.pools } });
    expect(door.lab.types('change-node-role', { name: 'vega', role: 'learner' })).toEqual(['node.role-changed']);
  });
});

describe('a node that lost its disk', () => {
  const back = (door: Door, token: { id: string; hash: string }, digit: string, incarnation = 'vega-disk-2') => {
    const { node: _, token: __, ...said } = door.asks('vega', digit, { incarnation });
    return door.lab.run('replace-incarnation', { ...said, token }, 'system:join');
  };
  const lost = (): Door => {
    const door = new Door();
    door.member('vega', '2', { labels: { zone: 'attic' } });
    door.down('vega');
    return door;
  };

  test('comes back under its name as another incarnation, by a token that was made for it', () => {
    const door = lost();
    const token = door.token('back', { replaces: 'vega' });
    const { events } = back(door, token, '3');
    expect(events.map(({ type }) => type)).toEqual(['node.replaced', 'cluster.token-used']);
    expect(door.node('vega')).toMatchObject({
      stream: 'node:vega',
      state: 'up',
      context: { incarnation: 'vega-disk-2', keySha256: sha('3'), metadata: { labels: { zone: 'attic' } } },
    });
    expect(back(door, token, '3')).toEqual({ events: [] });
  });

  test('needs no token of its own as long as it has its key, but a token', () => {
    const door = lost();
    const token = door.token('back');
    expect(back(door, token, '3').rejected).toMatchObject({
      code: 'TOKEN_UNKNOWN',
      explain: 'This token admits a new node; nobody may take the place of node vega with it.',
    });
    expect(back(door, { ...token, hash: sha('0') }, '2').rejected?.code).toBe('TOKEN_UNKNOWN');
    expect(back(door, token, '2').events).toHaveLength(2);
  });

  test('has not lost it while it answers', () => {
    const door = new Door();
    door.member('vega', '2');
    const token = door.token('back', { replaces: 'vega' });
    expect(back(door, token, '3').rejected).toMatchObject({
      code: 'NOT_NOW',
      explain: 'Node vega is up; only a node that is down or stopped is replaced.',
    });
  });

  test('does not come back by the token of another one, with a key of another one, or as what it was', () => {
    const door = lost();
    door.member('lyra', '5');
    door.down('lyra');
    expect(back(door, door.token('one', { replaces: 'lyra' }), '3').rejected?.explain).toBe(
      'This token is for the successor of node lyra, not of vega.',
    );
    const token = door.token('two', { replaces: 'vega' });
    expect(back(door, token, '5').rejected?.code).toBe('NODE_KNOWN');
    expect(back(door, token, '3', 'vega-disk-1').rejected?.code).toBe('INVALID');
    const { node: _, token: __, ...said } = door.asks('vega', '3', { clock: 0 });
    expect(door.lab.run('replace-incarnation', { ...said, token }, 'system:join').rejected?.code).toBe('CLOCK_WRONG');
  });

  test('is not what a token of a successor lets in as a new node', () => {
    const door = lost();
    const token = door.token('back', { replaces: 'vega' });
    const { rejected } = door.admit('lyra', '4', { token });
    expect(rejected).toMatchObject({ code: 'TOKEN_UNKNOWN' });
    expect(rejected?.hint).toContain('--name vega');
  });
});
