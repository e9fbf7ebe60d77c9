import { readdirSync, readFileSync } from 'node:fs';
import { link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { receiveOnThread, sendOnThread } from '#io/devices/tree-stream/thread/streams.ts';
import { describeReal } from '#test/real.ts';
import { inventory, missingForTrees, tempFolder } from './trees.ts';

const MiB = 2 ** 20;

describeReal('A stream of a tree on threads of its own', missingForTrees(), () => {
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  let source: string;
  const largeBytes = 64 * MiB;
  beforeAll(async () => {
    temp = await tempFolder();
    source = join(temp.path, 'source');
    await mkdir(join(source, 'folder'), { recursive: true });
    await writeFile(join(source, 'folder', 'file'), 'content');
    await link(join(source, 'folder', 'file'), join(source, 'linked'));
    await writeFile(join(source, 'large'), Buffer.alloc(largeBytes, 'large, '));
  });
  afterAll(() => temp.dispose());

  const how = { target: 'the test', signal: new AbortController().signal, silenceMs: 30_000 };
  const whole = () => ({ target: { path: source, id: 'one' } });
  const sink = async (name: string): Promise<{ into: string; ids: { base: undefined; target: string } }> => {
    const into = join(temp.path, name);
    await mkdir(into);
    return { into, ids: { base: undefined, target: 'one' } };
  };
  /** Processes beside the threads, and what is open. */
  const leftOver = (): readonly string[] => {
    const open = readdirSync('/proc/self/fd').length;
    const children = readdirSync('/proc').filter((pid) => {
      try {
        return (
          /^\d+$/.test(pid) &&
          / \(perl\) \S+ (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] === String(process.pid)
        );
      } catch {
        return false;
      }
    });
    return [String(open), ...children];
  };
  const bytesRead = (): number => Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);

  test('arrives as it was sent', async () => {
    const options = await sink('sink');
    const { bytes, records } = await receiveOnThread(sendOnThread(whole(), how), options, how);
    expect(await inventory(options.into)).toEqual(await inventory(source));
    expect(bytes).toBeGreaterThan(largeBytes);
    expect(records).toBeGreaterThan(largeBytes / MiB);
  });

  test('is read no further than it is taken, and ends with its reader; nothing is left of it', async () => {
    for await (const _ of sendOnThread(whole(), how)) break;
    const before = leftOver();
    let taken = 0;
    for await (const piece of sendOnThread(whole(), how)) {
      taken += piece.length;
      if (taken < MiB) continue;
      const began = bytesRead();
      await delay(400);
      // The thread was somewhere in its window; then it waits.
      expect(bytesRead() - began).toBeLessThan(largeBytes / 2);
      const later = bytesRead();
      await delay(200);
      expect(bytesRead() - later).toBeLessThan(MiB);
      break;
    }
    expect(taken).toBeLessThan(largeBytes / 2);
    expect(leftOver()).toEqual(before);
  });

  test('takes no more from its sender than it can apply', async () => {
    let given = 0;
    const stop = new AbortController();
    const full = (async function* () {
      for await (const piece of sendOnThread(whole(), how)) {
        given += piece.length;
        yield piece;
        if (given > 8 * MiB) stop.abort();
      }
    })();
    const receiving = receiveOnThread(full, await sink('stopped'), { ...how, signal: stop.signal });
    await expect(receiving).rejects.toMatchObject({ code: 'ABORTED' });
    expect(given).toBeLessThan(16 * MiB);
  });

  test('two at once do not hold up the thread of the node, on which heartbeats and requests wait', async () => {
    // Threads that load their source first would be measured as well.
    for (const name of ['warm-a', 'warm-b']) await receiveOnThread(sendOnThread(whole(), how), await sink(name), how);
    const delays = monitorEventLoopDelay({ resolution: 5 });
    delays.enable();
    await Promise.all(
      ['at-once-a', 'at-once-b'].map(async (name) =>
        receiveOnThread(sendOnThread(whole(), how), await sink(name), how),
      ),
    );
    delays.disable();
    const heldUpMs = delays.max / 1e6;
    // Far below the shortest silence after which anybody is suspected, on a machine that does other things, too.
    expect(heldUpMs).toBeLessThan(400);
  });

  test('takes no more memory for a stream that is many times as long', async () => {
    const peakOf = async (name: string, mebibytes: number): Promise<number> => {
      const folder = join(temp.path, `source-${name}`);
      await mkdir(folder);
      for (let n = 0; n < mebibytes / 16; n++) await writeFile(join(folder, `${n}`), Buffer.alloc(16 * MiB, `${n}, `));
      let peak = 0;
      const look = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
      await receiveOnThread(sendOnThread({ target: { path: folder, id: 'one' } }, how), await sink(name), how);
      clearInterval(look);
      return peak;
    };
    const short = await peakOf('short', 64);
    expect((await peakOf('long', 512)) - short).toBeLessThan(64 * MiB);
  });

  test('fails with what went wrong on its thread, hint and all, and with the words of its sender', async () => {
    const nothing = sendOnThread({ target: { path: join(temp.path, 'nothing'), id: 'one' } }, how);
    await expect(nothing.next()).rejects.toMatchObject({ name: 'IoError', code: 'MISSING', hint: /Mount/ });
    const taken = { into: source, ids: { base: undefined, target: 'one' } };
    await expect(receiveOnThread(sendOnThread(whole(), how), taken, how)).rejects.toMatchObject({ code: 'EXISTS' });
    const torn = (async function* () {
      for await (const piece of sendOnThread(whole(), how)) {
        yield piece;
        throw new Error('the cable was pulled');
      }
    })();
    await expect(receiveOnThread(torn, await sink('torn'), how)).rejects.toThrow('the cable was pulled');
    const other = { into: (await sink('other')).into, ids: { base: undefined, target: 'two' } };
    await expect(receiveOnThread(sendOnThread(whole(), how), other, how)).rejects.toMatchObject({ code: 'INVALID' });
  });

  test('ends when its sender falls silent, and when nobody wants it any more', async () => {
    const silent = (async function* () {
      await new Promise(() => undefined);
      yield new Uint8Array(1);
    })();
    const impatient = receiveOnThread(silent, await sink('silent'), { ...how, silenceMs: 300 });
    await expect(impatient).rejects.toMatchObject({ code: 'TIMED_OUT' });
    const stop = new AbortController();
    const sending = sendOnThread(whole(), { ...how, signal: stop.signal });
    await sending.next();
    stop.abort();
    await expect(sending.next()).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
