import { describe, expect, test } from 'vitest';
import type { AlertRow } from '#projections/alerts.ts';
import { Folded } from '#io/lab/folded.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { history } from '#test/golden/history.ts';

const photos = 'name: photos\nservices: { web: { image: nginx, volumes: ["data:/data"] } }\nvolumes: { data: {} }\n';

function alerts(lab: TestLab): readonly AlertRow[] {
  const folded = new Folded(['alerts']);
  for (const event of lab.events) folded.fold(event);
  return folded.rows('alerts').map(([key, row]) => {
    expect(row.id).toBe(key);
    return row;
  });
}
const told = (lab: TestLab): readonly string[] => alerts(lab).map(({ rule, message }) => `${rule}: ${message}`);

const full = { isFull: true, usedBytes: Math.floor(4.6 * 2 ** 30), sizeBytes: 5 * 2 ** 30 };
const eased = { ...full, isFull: false, usedBytes: 2 ** 30 };

describe('an alert', () => {
  test('of what is nearly full is there until it has room again', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    const volume = lab.volume('photos-data');
    lab.must('note-volume-fill', { volume, ...full }, 'policy:fullness');
    lab.must('note-pool-fill', { node: 'node:atlas', pool: 'main', ...full }, 'policy:fullness');
    lab.must('note-pool-fill', { node: 'node:atlas', pool: 'second', ...full }, 'policy:fullness');
    expect(told(lab)).toEqual([
      'pool-full: Pool main of node atlas is nearly full: 4.6 GiB of 5 GiB were used.',
      'pool-full: Pool second of node atlas is nearly full: 4.6 GiB of 5 GiB were used.',
      'volume-full: Volume photos-data is nearly full: 4.6 GiB of 5 GiB were used.',
    ]);
    lab.must('note-volume-fill', { volume, ...eased }, 'policy:fullness');
    lab.must('note-pool-fill', { node: 'node:atlas', pool: 'main', ...eased }, 'policy:fullness');
    expect(alerts(lab).map(({ id }) => id)).toEqual(['node:atlas|pool-full|second']);
  });

  test('of an object does not hide another one of it', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    const volume = lab.volume('photos-data');
    lab.must('note-volume-fill', { volume, ...full }, 'policy:fullness');
    lab.must('change-volume', { name: 'photos-data', sizeBytes: 2 ** 31 });
    const problem = { code: 'NO_SPACE', message: 'There is no space.' };
    lab.must('report-volume-failed', { volume, visit: lab.visit(volume), problem }, 'node:atlas');
    expect(alerts(lab).map(({ rule }) => rule)).toEqual(['volume-failed', 'volume-full']);
  });

  test('of a container engine that does not answer is there as long as its node is, and the engine is not', () => {
    const lab = TestLab.ready();
    const facts = lab.lab.get('node:atlas')?.context.facts;
    if (!facts) throw new Error('the lab has no node');
    const report = (engine: typeof facts.engine): void =>
      void lab.must('report-node', { node: 'node:atlas', addresses: [], facts: { ...facts, engine } }, 'node:atlas');
    report(null);
    expect(told(lab)).toEqual(['engine-away: The container engine of node atlas does not answer.']);
    lab.must('report-node-down', { node: 'node:atlas', lastSeenAt: lab.now }, 'policy:liveness');
    expect(told(lab)).toEqual(['node-down: Node atlas does not answer.']);
    report(facts.engine);
    expect(told(lab)).toEqual([]);
  });

  test('of what could not be adopted says also how to let it go', () => {
    const lab = TestLab.ready();
    const spec = { sizeBytes: 2 ** 26 };
    lab.must('adopt-volume', { name: 'old', node: 'atlas', pool: 'main', native: '/pool/old', spec });
    const volume = lab.volume('old');
    const problem = { code: 'MISSING', message: 'there is no /pool/old', hint: 'Look whether that is its path.' };
    lab.must('report-volume-failed', { volume, visit: lab.visit(volume), problem }, 'node:atlas');
    expect(alerts(lab).map(({ hint }) => hint)).toEqual([
      'Look whether that is its path. Then: floatlab volume retry old. Or let it go: floatlab volume release old.',
    ]);
  });

  test('of what waits is there when that lasts, and goes once it has found its place', () => {
    const lab = TestLab.ready();
    lab.must('deploy-app', { compose: 'name: photos\nservices: { web: { image: nginx } }\n' });
    lab.must('create-volume', { name: 'loose', spec: { sizeBytes: 2 ** 26 } });
    const [app, volume] = [lab.app('photos'), lab.volume('loose')];
    const problem = { code: 'NO_NODE_FITS', message: 'No node fits: atlas is cordoned.', hint: 'Uncordon it.' };
    lab.must('delay-app', { app, problem }, 'policy:placement');
    lab.must('delay-volume', { volume, problem }, 'policy:placement');
    expect(told(lab)).toEqual([]);
    lab.must('delay-app', { app, problem, lasts: true }, 'policy:placement');
    lab.must('delay-volume', { volume, problem, lasts: true }, 'policy:placement');
    expect(told(lab)).toEqual([
      'app-waits: App photos waits: No node fits: atlas is cordoned.',
      'volume-waits: Volume loose waits: No node fits: atlas is cordoned.',
    ]);
    lab.must('assign-instance', { app, node: 'node:atlas' }, 'policy:placement');
    lab.must('place-volume', { volume, node: 'node:atlas', pool: 'main' }, 'policy:placement');
    expect(told(lab)).toEqual([]);
  });

  test('of an end that does not come says what stands in the way, and goes with the volume', () => {
    const lab = TestLab.ready();
    lab.must('create-volume', { name: 'loose', spec: { sizeBytes: 2 ** 26 } });
    lab.must('place-volume', { volume: lab.volume('loose'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
    lab.provision();
    lab.must('delete-volume', { name: 'loose', purge: true });
    const volume = lab.volume('loose');
    const problem = { code: 'BUSY', message: '/x is in use by process 7 (sleep)' };
    lab.must('report-volume-held', { volume, visit: lab.visit(volume), problem }, 'node:atlas');
    expect(told(lab)).toEqual(['volume-waits: Volume loose is not deleted yet: /x is in use by process 7 (sleep)']);
    lab.must('report-volume-deleted', { volume, visit: lab.visit(volume) }, 'node:atlas');
    expect(told(lab)).toEqual([]);
  });

  test('keeps since when it is there while its words change', () => {
    const lab = TestLab.ready();
    lab.must('create-volume', { name: 'loose', spec: { sizeBytes: 2 ** 26 } });
    const volume = lab.volume('loose');
    const since = lab.now;
    for (const message of ['One.', 'Two.']) {
      lab.must('delay-volume', { volume, problem: { code: 'X', message }, lasts: true }, 'policy:placement');
      lab.now += 1000;
    }
    expect(alerts(lab)).toMatchObject([{ since, message: 'Volume loose waits: Two.' }]);
  });

  test('leaves nothing behind when its object goes', () => {
    const folded = new Folded(['alerts']);
    for (const event of history()) folded.fold(event);
    expect(folded.rows('alerts')).toEqual([]);
  });
});

describe('what an instance warned of', () => {
  const warning = (message: string) => ({ problem: { code: 'MISSING', message, hint: 'Add it.' } });
  const started = (lab: TestLab, messages: readonly string[]): void => {
    const instance = lab.instance('shop');
    const report = { instance, visit: lab.visit(instance), services: {}, warnings: messages.map(warning) };
    lab.must('report-instance-started', report, 'node:atlas');
  };
  const stopped = (lab: TestLab, messages: readonly string[]): void => {
    const instance = lab.instance('shop');
    lab.must('stop-instance', { instance, because: 'asked' }, 'policy:rollout');
    const report = { instance, visit: lab.visit(instance), warnings: messages.map(warning) };
    lab.must('report-instance-stopped', report, 'node:atlas');
  };
  const again = (lab: TestLab, messages: readonly string[]): void => {
    lab.must('assign-instance', { app: lab.app('shop'), node: 'node:atlas' }, 'policy:placement');
    started(lab, messages);
  };
  const shop = (messages: readonly string[]): TestLab => {
    const lab = TestLab.ready();
    lab.must('deploy-app', { compose: 'name: shop\nservices: { web: { image: nginx } }\n' });
    again(lab, messages);
    return lab;
  };

  test('is an alert of its app until it starts without it', () => {
    const lab = shop(['web starts without cache.', 'web starts without queue.']);
    expect(alerts(lab)).toMatchObject([
      {
        rule: 'app-warned',
        severity: 'warning',
        kind: 'app',
        name: 'shop',
        message: 'App shop on atlas: web starts without cache. And 1 more.',
        hint: 'Add it.',
      },
    ]);
    lab.must('restart-app', { name: 'shop' });
    stopped(lab, []);
    expect(alerts(lab)).toHaveLength(1);
    again(lab, ['web starts without queue.']);
    expect(told(lab)).toEqual(['app-warned: App shop on atlas: web starts without queue.']);
    lab.must('restart-app', { name: 'shop' });
    stopped(lab, []);
    again(lab, []);
    expect(alerts(lab)).toEqual([]);
  });

  test('also when it stopped, and goes with its app', () => {
    const lab = shop([]);
    lab.must('stop-app', { name: 'shop' });
    stopped(lab, ['Network shop_default stays.']);
    expect(told(lab)).toEqual(['app-warned: App shop on atlas: Network shop_default stays.']);
    lab.must('remove-app', { name: 'shop' });
    expect(alerts(lab)).toEqual([]);
  });
});
