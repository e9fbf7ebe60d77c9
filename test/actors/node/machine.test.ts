import { describe, expect, test } from 'vitest';
import { advance, isLegal } from '#actors/advance.ts';
import type { ActorState } from '#actors/actor.ts';
import { asIndex, type LabEvent } from '#events/envelope.ts';
import type { EventType } from '#events/registry.ts';
import { history, newcomer } from '#test/golden/history.ts';

const { keySha256, incarnation, addresses, facts, port } = newcomer('vega', '2');
const metadata = { name: 'vega', namespace: 'system', labels: {}, annotations: {}, uuid: crypto.randomUUID() };
const joining = { metadata, addresses, facts, role: 'any', port, keySha256, incarnation };

const data: Readonly<Partial<Record<EventType, object>>> = {
  'node.joined': joining,
  'node.asked-to-join': joining,
  'node.rekeyed': { keySha256 },
  'node.replaced': { incarnation: 'next', keySha256, addresses, port, facts },
  'node.labelled': { labels: { zone: 'attic' } },
  'node.role-changed': { role: 'witness' },
  'node.facts-changed': { addresses, facts },
  'node.departure-requested': { as: 'removed' },
  'node.went-down': { lastSeenAt: 1 },
  'node.clock-differed': { aheadMs: 86_400_000 },
  'node.pool-filled': { pool: 'main', usedBytes: 1, sizeBytes: 1 },
  'node.pool-eased': { pool: 'main', usedBytes: 1, sizeBytes: 1 },
};

const event = (type: EventType, version = 1): LabEvent =>
  ({
    stream: 'node:vega',
    type,
    data: data[type] ?? {},
    ...{ id: `${type}/0`, command: type, by: 'system:test', cause: type, correlation: type },
    ...{ schema: 1, version, index: asIndex(version), at: version },
  }) as LabEvent;

const after = (...types: readonly EventType[]): ActorState =>
  types.reduce<ActorState | undefined>((actor, type, n) => advance(actor, event(type, n + 1)), undefined) as ActorState;

const types = [...new Set(history().map(({ type }) => type))].filter((type) => type.startsWith('node.')).toSorted();
/** What is the business of one state alone: of what a node is told anywhere nothing is said here. */
const everywhere = ['cordoned', 'facts-changed', 'labelled', 'pool-filled', 'pool-limited', 'rekeyed', 'role-changed'];
const acceptedBy = (actor: ActorState): readonly string[] =>
  types
    .filter((type) => isLegal(actor, event(type)))
    .map((type) => type.slice('node.'.length))
    .filter((type) => !everywhere.includes(type));

describe('a node', () => {
  test('begins by joining, or by asking to', () => {
    expect(types.filter((type) => isLegal(undefined, event(type)))).toEqual(['node.asked-to-join', 'node.joined']);
    expect(after('node.joined').state).toBe('up');
    expect(after('node.asked-to-join').state).toBe('waiting');
  });

  test.each<readonly [readonly EventType[], string, readonly string[]]>([
    [['node.asked-to-join'], 'waiting', ['approved', 'joined', 'refused']],
    [['node.asked-to-join', 'node.approved'], 'waiting', ['joined', 'refused']],
    [['node.joined'], 'up', ['departure-requested', 'left', 'stopped', 'went-down']],
    [['node.asked-to-join', 'node.joined'], 'up', ['departure-requested', 'left', 'stopped', 'went-down']],
    [
      ['node.joined', 'node.went-down'],
      'down',
      ['came-up', 'clock-differed', 'departure-requested', 'left', 'removed', 'replaced', 'stayed-down'],
    ],
    [
      ['node.joined', 'node.went-down', 'node.stayed-down'],
      'down',
      ['came-up', 'clock-differed', 'departure-requested', 'left', 'removed', 'replaced'],
    ],
    [['node.joined', 'node.went-down', 'node.replaced'], 'up', ['departure-requested', 'left', 'stopped', 'went-down']],
    [
      ['node.joined', 'node.stopped'],
      'stopped',
      ['came-up', 'clock-differed', 'departure-requested', 'left', 'removed', 'replaced', 'stayed-down'],
    ],
    [
      ['node.joined', 'node.stopped', 'node.stayed-down'],
      'stopped',
      ['came-up', 'clock-differed', 'departure-requested', 'left', 'removed', 'replaced'],
    ],
    [['node.joined', 'node.stopped', 'node.came-up'], 'up', ['departure-requested', 'left', 'stopped', 'went-down']],
    [['node.joined', 'node.stopped', 'node.replaced'], 'up', ['departure-requested', 'left', 'stopped', 'went-down']],
    [['node.joined', 'node.departure-requested'], 'up', ['left', 'removed', 'stopped', 'went-down']],
    [
      ['node.joined', 'node.went-down', 'node.departure-requested', 'node.came-up'],
      'up',
      ['left', 'removed', 'stopped', 'went-down'],
    ],
  ])('after %j is %s and accepts %j', (way, state, accepted) => {
    const actor = after(...way);
    expect(actor.state).toBe(state);
    expect(acceptedBy(actor)).toEqual(accepted);
  });

  test.each<readonly [EventType, readonly EventType[]]>([
    ['node.refused', ['node.asked-to-join']],
    ['node.left', ['node.joined']],
    ['node.removed', ['node.joined', 'node.went-down']],
  ])('ends with %s', (end, way) => {
    expect(after(...way).final).toBe(false);
    expect(after(...way, end).final).toBe(true);
  });

  test('that was joined before anybody asked for keys is read as one that may vote', () => {
    const old = { ...event('node.joined'), data: { metadata, addresses, facts } } as LabEvent;
    expect(advance(undefined, old)?.context).toMatchObject({
      role: 'any',
      keySha256: null,
      incarnation: null,
      port: null,
    });
  });
});
