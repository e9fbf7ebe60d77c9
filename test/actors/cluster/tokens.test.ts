import { describe, expect, test } from 'vitest';
import { rememberedMs } from '#actors/cluster/machine.ts';
import { clusterStream } from '#actors/cluster/stream.ts';
import { dayMs, Door, hourMs, sha } from '../door.ts';

const tokens = (door: Door) => door.lab.lab.get(clusterStream)?.context.tokens ?? {};
const codeOf = (door: Door, token: { id: string; hash: string }, name = 'vega', digit = '2') =>
  door.admit(name, digit, { token }).rejected?.code;

describe('a join token', () => {
  test('admits one machine, once, in one entry with its joining', () => {
    const door = new Door();
    const token = door.token('one');
    expect(door.types('vega', '2', { token })).toEqual(['node.joined', 'cluster.token-used']);
    expect(tokens(door)['one']).toMatchObject({ state: 'used', usedBy: 'node:vega' });
    const { rejected } = door.admit('lyra', '3', { token });
    expect(rejected).toEqual({
      code: 'TOKEN_USED',
      explain: 'Node vega has used this token; each admits one machine, once.',
      hint: 'Make another one, on a node of the lab: floatlab node token.',
    });
  });

  test('is good for three hours unless something else is asked for, and for a week at most', () => {
    const door = new Door();
    const token = door.token('one');
    expect(tokens(door)['one']?.expiresAt).toBe(door.lab.now + 3 * hourMs);
    const input = { tokenId: 'long', hash: sha('a'), validMs: 7 * dayMs + 1 };
    expect(door.lab.run('issue-token', input).rejected?.explain).toContain('seven days at most');
    door.lab.now += 3 * hourMs;
    // By the clock it is over, whether or not somebody has noted that.
    expect(door.admit('vega', '2', { token }).rejected).toMatchObject({
      code: 'TOKEN_EXPIRED',
      explain: 'This token expired 0 s ago; it was good for 3 h.',
    });
    expect(door.lab.types('expire-tokens', {}, 'policy:membership')).toEqual(['cluster.token-expired']);
    expect(codeOf(door, token)).toBe('TOKEN_EXPIRED');
  });

  test('that nobody knows, and one with another secret, look the same', () => {
    const door = new Door();
    const token = door.token('one');
    const unknown = door.admit('vega', '2', { token: { ...token, id: 'other' } }).rejected;
    expect(unknown?.code).toBe('TOKEN_UNKNOWN');
    expect(door.admit('vega', '2', { token: { ...token, hash: sha('f') } }).rejected).toEqual(unknown);
    door.types('vega', '2', { token });
    // Also of one that was used: only who has the secret is told.
    expect(door.admit('lyra', '3', { token: { ...token, hash: sha('f') } }).rejected).toEqual(unknown);
    expect(codeOf(door, { id: 'constructor', hash: sha('f') }, 'lyra', '3')).toBe('TOKEN_UNKNOWN');
  });

  test('that was revoked says so; revoking what has ended changes nothing', () => {
    const door = new Door();
    const token = door.token('one');
    expect(door.lab.types('revoke-token', { token: 'one' })).toEqual(['cluster.token-revoked']);
    expect(door.lab.types('revoke-token', { token: 'one' })).toEqual([]);
    expect(codeOf(door, token)).toBe('TOKEN_REVOKED');
    expect(door.lab.run('revoke-token', { token: 'none' }).rejected?.code).toBe('NOT_FOUND');
  });

  test('is remembered for thirty days after its end', () => {
    const door = new Door();
    const token = door.token('one');
    door.types('vega', '2', { token });
    door.lab.now += rememberedMs - 1;
    door.token('later');
    expect(codeOf(door, token, 'lyra', '3')).toBe('TOKEN_USED');
    door.lab.now += 1;
    door.token('latest');
    expect(Object.keys(tokens(door))).toEqual(['later', 'latest']);
    expect(codeOf(door, token, 'lyra', '3')).toBe('TOKEN_UNKNOWN');
  });

  test('gives the node its role and labels, over what the node says of itself', () => {
    const door = new Door();
    const token = door.token('one', { role: 'witness', labels: { zone: 'cellar' } });
    door.types('pi', '2', { token, role: 'any', labels: { zone: 'attic', disk: 'sd' } });
    const node = door.node('pi');
    expect(node?.context.role).toBe('witness');
    expect(node?.context.metadata.labels).toEqual({ zone: 'cellar', disk: 'sd' });
  });

  test('leaves the role to the node when it says nothing of it', () => {
    const door = new Door();
    door.types('pi', '2', { token: door.token('one'), role: 'learner' });
    expect(door.node('pi')?.context.role).toBe('learner');
  });

  test('has an id of its own, and there are not too many', () => {
    const door = new Door();
    door.token('same');
    expect(door.lab.run('issue-token', { tokenId: 'same', hash: sha('a') }).rejected?.code).toBe('NAME_TAKEN');
    for (let n = 1; n < 100; n++) door.token(`token-${n}`);
    expect(door.lab.run('issue-token', { tokenId: 'more', hash: sha('a') }).rejected?.code).toBe('TOO_MANY');
    door.lab.must('revoke-token', { token: 'same' });
    door.token('more');
  });

  test('never carries its secret, and replaces only a node that is there', () => {
    const door = new Door();
    expect(door.lab.run('issue-token', { tokenId: 'one', hash: 'secret' }).rejected?.code).toBe('INVALID');
    const input = { tokenId: 'one', hash: sha('a'), replaces: 'nobody' };
    expect(door.lab.run('issue-token', input).rejected?.code).toBe('NOT_FOUND');
  });

  test('is made and revoked by people alone', () => {
    const door = new Door();
    expect(door.lab.run('issue-token', { tokenId: 'one', hash: sha('a') }, 'node:atlas').rejected?.code).toBe(
      'FORBIDDEN',
    );
    const { rejected } = door.lab.run('admit-node', door.asks('vega', '2'), 'user:admin');
    expect(rejected?.code).toBe('FORBIDDEN');
  });
});
