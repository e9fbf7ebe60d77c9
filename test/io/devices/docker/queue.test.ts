import { expect, test } from 'vitest';
import { Queue } from '#io/devices/docker/queue.ts';

test('everybody who waits for room is let go when there is some, or never will be', async () => {
  const queue = new Queue<number>();
  queue.push(1);
  const waiting = [queue.drained(), queue.drained()];
  const reader = queue[Symbol.asyncIterator]();
  expect((await reader.next()).value).toBe(1);
  void reader.next();
  await Promise.all(waiting);
  queue.push(2);
  queue.push(3);
  const last = [queue.drained(), queue.drained()];
  queue.end();
  await Promise.all(last);
});
