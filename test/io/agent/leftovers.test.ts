import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { asIndex, type LabEvent } from '#events/envelope.ts';
import { label } from '#io/agent/containers/labels.ts';
import { Leftovers } from '#io/agent/leftovers.ts';
import { simDocker } from '#io/devices/docker/sim.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { LogError } from '#io/log/port.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';

const labels = {
  'com.docker.compose.project': 'photos',
  [label.service]: 'web',
  [label.app]: 'a1-and-more',
  [label.instance]: 'i1',
  [label.epoch]: '4',
};
const container = { name: 'photos-web-1', labels };
const assigned = {
  index: 4,
  type: 'instance.assigned',
  stream: 'instance:i1',
  data: { node: 'node:n1', app: 'app:a1-and-more' },
};

function leftovers(some: {
  there?: readonly string[];
  node?: 'node:n2';
  read?: () => AsyncIterable<readonly LabEvent[]>;
}) {
  const read = async function* () {
    yield await Promise.resolve([assigned as unknown as LabEvent]);
  };
  const view = { get: (stream: string) => (some.there?.includes(stream) ? {} : undefined) };
  return new Leftovers({
    node: some.node ?? 'node:n1',
    lab: { view, index: asIndex(9), history: some.read ?? read } as never,
    docker: simDocker({ clock: new VirtualClock(0), random: seededRandom(1) }).port,
    log: pino({ level: 'silent' }),
  });
}

describe('what was made for an instance', () => {
  test('is left over once the instance has ended, a network once the app has gone', async () => {
    expect(await leftovers({}).isContainer(container)).toBe(true);
    expect(await leftovers({}).isNetwork(labels)).toBe(true);
    expect(await leftovers({ there: ['app:a1-and-more'] }).isContainer(container)).toBe(true);
    expect(await leftovers({ there: ['app:a1-and-more'] }).isNetwork(labels)).toBe(false);
    expect(await leftovers({ there: ['instance:i1', 'app:a1-and-more'] }).isContainer(container)).toBe(false);
  });

  test('is not what somebody made of a copy of it, which has the same labels', async () => {
    expect(await leftovers({}).isContainer({ ...container, name: 'my-debug' })).toBe(false);
    // The second name is for the one of two apps that comes later.
    expect(await leftovers({}).isContainer({ ...container, name: 'photos-web-1-a1-and-m' })).toBe(true);
  });

  test('of an assignment that is not folded here yet is not judged', async () => {
    const read = async function* () {
      yield await Promise.resolve([assigned as unknown as LabEvent]);
      throw new LogError('PAST_HEAD', 'the log ends at 9', 'wait');
    };
    expect(await leftovers({ read }).isContainer({ ...container, labels: { ...labels, [label.epoch]: '10' } })).toBe(
      false,
    );
  });

  test('on another node is for that node to remove', async () => {
    expect(await leftovers({ node: 'node:n2' }).isContainer(container)).toBe(false);
  });

  test('is left alone where the history that would tell is no longer kept', async () => {
    const read = () => {
      throw new LogError('BELOW_FLOOR', 'history begins at 7', 'look elsewhere');
    };
    expect(await leftovers({ read }).isContainer(container)).toBe(false);
  });

  test('is not judged by a history that cannot be read', async () => {
    const read = () => {
      throw new LogError('DAMAGED', 'entry 4 is damaged', 'restore it');
    };
    await expect(leftovers({ read }).isContainer(container)).rejects.toMatchObject({ code: 'DAMAGED' });
  });
});
