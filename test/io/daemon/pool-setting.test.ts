/** Pools as people name them on the command line. */
import { describe, expect, test } from 'vitest';
import { parsePools, poolMemory } from '#io/daemon/pool-setting.ts';

describe('--pool', () => {
  test.each([
    ['/mnt/tank', { name: 'main', driver: 'btrfs', where: '/mnt/tank' }],
    ['fast=/mnt/tank', { name: 'fast', driver: 'btrfs', where: '/mnt/tank' }],
    ['btrfs:/mnt/tank', { name: 'main', driver: 'btrfs', where: '/mnt/tank' }],
    ['zfs:tank/floatlab', { name: 'main', driver: 'zfs', where: 'tank/floatlab' }],
    ['slow=dir:/srv/slow', { name: 'slow', driver: 'dir', where: '/srv/slow' }],
    ['/mnt/a=b', { name: 'main', driver: 'btrfs', where: '/mnt/a=b' }],
    ['/mnt/zfs:x', { name: 'main', driver: 'btrfs', where: '/mnt/zfs:x' }],
  ])('%s names one', (text, pool) => {
    expect(parsePools([text])).toEqual([pool]);
  });

  test('several have names, the first is main without one', () => {
    expect(parsePools(['/mnt/a', 'fast=zfs:b'])).toMatchObject([{ name: 'main' }, { name: 'fast' }]);
    expect(parsePools([])).toEqual([]);
  });

  test('no two of them share what the data directory remembers', () => {
    const memories = ['main', 'pool', 'a', 'main-pool'].map((name) => poolMemory('/data', name));
    expect(new Set(memories).size).toBe(memories.length);
  });

  test.each([
    [['/mnt/a', '/mnt/b'], 'several pools need names'],
    [['/mnt/a', 'main=/mnt/b'], 'another pool main'],
    [['/mnt/a', 'other=/mnt/b/../a'], 'the pool main already'],
    [['fast=zfs:tank/a', 'slow=zfs:tank/a'], 'the pool fast already'],
    [['Fast=/mnt/a'], 'name of a pool'],
    [['=/mnt/a'], 'name of a pool'],
    [['fast='], 'say where it is'],
    [['zfs:'], 'say where it is'],
  ])('%j is refused in words', (texts, words) => {
    expect(parsePools(texts)).toContain(words);
  });
});
