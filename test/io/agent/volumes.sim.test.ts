import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { OneMachine } from './one-machine.ts';

const compose = (more = ''): string => `name: shop
services:
  web:
    image: nginx
    restart: always
    volumes: ["./config:/config", "./data:/data", "./app.conf:/etc/app.conf"]
${more}`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const bundle = (texts: Record<string, string>) =>
  Object.fromEntries(Object.entries(texts).map(([path, text]) => [path, { content: base64(text), mode: 0o644 }]));
const first = { 'config/a.yaml': 'a1', 'config/b.yaml': 'b1', 'app.conf': 'c1' };

async function deployed(): Promise<{ one: OneMachine; root: string; up(texts: object): Promise<void> }> {
  const one = await OneMachine.started();
  let revision = 0;
  const up = async (texts: object): Promise<void> => {
    const files = bundle(texts as Record<string, string>);
    await one.must('deploy-app', { compose: compose(), files });
    revision++;
    await one.until(
      `revision ${revision} runs`,
      () => one.app('shop')?.state === 'running' && one.instance('shop')?.context.revision === revision,
    );
  };
  await up(first);
  const volume = one.instance('shop')?.context.volumes['folder'];
  const root = (volume && one.lab.get(volume)?.context.path) ?? '';
  return { one, root, up };
}

const restart = async (one: OneMachine): Promise<void> => {
  await one.must('restart-app', { name: 'shop' });
  await one.until('it stops', () => one.app('shop')?.state !== 'running');
};

describe('files that came with the compose file', () => {
  test('and that the app has changed are kept when a deploy changes them too, and the person is told which', async () => {
    const { one, root, up } = await deployed();
    one.files.write(root, 'config/a.yaml', 'by the app');
    one.files.write(root, 'config/b.yaml', 'by the app as well');
    await up({ ...first, 'config/a.yaml': 'a2' });
    expect(one.files.read(root, 'config/a.yaml')).toBe('a2');
    expect(one.files.read(root, 'config/a.yaml.floatlab-kept-2')).toBe('by the app');
    // What the deploy did not change is the app's.
    expect(one.files.read(root, 'config/b.yaml')).toBe('by the app as well');
    const told = (await one.told()).filter((line) => line.includes('floatlab-kept'));
    expect(told).toEqual([
      'shop on atlas: The app and revision 2 have both changed files. Those of the revision are in place, those of the app are kept: config/a.yaml (as config/a.yaml.floatlab-kept-2).',
    ]);
    expect(one.instance('shop')?.context.warnings).toMatchObject([{ code: 'FILES_KEPT' }]);
  });

  test('and that the app has deleted stay deleted, but for those that a mount names', async () => {
    const { one, root, up } = await deployed();
    for (const path of ['config/b.yaml', 'app.conf']) one.files.remove(root, path);
    await up({ ...first, 'config/a.yaml': 'a2' });
    expect(one.files.read(root, 'config/b.yaml')).toBeUndefined();
    expect(one.files.read(root, 'app.conf')).toBe('c1');
    expect(await one.told()).not.toContainEqual(expect.stringContaining('floatlab-kept'));
  });
});

describe('a link that the app has put in the way of a mount', () => {
  const isRefused = expect.stringMatching(/\/data is a symbolic link: FloatLab follows none in a volume/) as unknown;

  test('is not followed when its container is started again, and the person is told what to do', async () => {
    const { one, root } = await deployed();
    one.files.link(root, 'data');
    one.docker.crashContainer('shop-web-1', 0);
    await one.untilApp('shop', 'degraded');
    expect(one.app('shop')?.context.problem).toMatchObject({
      code: 'INVALID',
      message: isRefused,
      hint: 'Put the real file or folder in its place, then start the app again.',
    });
    await one.clock.run(600_000);
    expect(one.running).toEqual([]);
    one.files.remove(root, 'data');
    await one.untilApp('shop', 'running');
    expect(one.running).toEqual(['shop-web-1']);
  });

  test('is not followed when the app is started anew or its daemon is', async () => {
    const { one, root } = await deployed();
    one.files.link(root, 'data');
    await one.restart();
    await one.clock.run(60_000);
    // What runs has its mount already.
    expect([one.app('shop')?.state, one.running]).toEqual(['running', ['shop-web-1']]);
    await restart(one);
    await one.untilApp('shop', 'failed');
    expect(one.app('shop')?.context.problem).toMatchObject({ code: 'INVALID', message: isRefused });
    expect(one.running).toEqual([]);
  });

  test('is not followed in a named volume either', async () => {
    const one = await OneMachine.started();
    const subpath = '{ type: volume, source: data, target: /data, volume: { subpath: in/side } }';
    const text = `name: shop\nservices:\n  web: { image: nginx, restart: always, volumes: [${subpath}] }\nvolumes: { data: {} }\n`;
    await one.must('deploy-app', { compose: text });
    await one.untilApp('shop', 'running');
    const volume = one.instance('shop')?.context.volumes['data'];
    one.files.link((volume && one.lab.get(volume)?.context.path) ?? '', 'in');
    one.docker.crashContainer('shop-web-1', 0);
    await one.untilApp('shop', 'degraded');
    expect(one.app('shop')?.context.problem).toMatchObject({ code: 'INVALID' });
    expect(one.running).toEqual([]);
  });

  test('is not followed by a container that is there already and is tried again', async () => {
    const { one, root } = await deployed();
    await one.must('stop-app', { name: 'shop' });
    await one.untilApp('shop', 'stopped');
    let isFirst = true;
    one.docker.setFault((op, _, when) => {
      if (op !== 'start' || when !== 'before' || !isFirst) return undefined;
      isFirst = false;
      one.files.link(root, 'data');
      return new IoError('FAILED', { op, target: 'web', message: 'not now' });
    });
    await one.must('start-app', { name: 'shop' });
    await one.untilApp('shop', 'failed');
    expect(one.app('shop')?.context.problem).toMatchObject({ code: 'INVALID', message: isRefused });
  });
});

describe('a new named volume', () => {
  const text =
    'name: shop\nservices:\n  web: { image: grafana, volumes: ["data:/var/lib/grafana", "./own:/own"] }\nvolumes: { data: {} }\n';

  test('is given what the image has in its place, once, before anything runs', async () => {
    const one = await OneMachine.started();
    const asked: string[] = [];
    one.docker.setImageFolder(async function* (reference, path) {
      asked.push(`${reference} ${path} ${one.running.length}`);
      yield await Promise.resolve(new Uint8Array(512));
    });
    await one.must('deploy-app', { compose: text });
    await one.untilApp('shop', 'running');
    await restart(one);
    await one.untilApp('shop', 'running');
    expect(asked).toEqual(['grafana:latest /var/lib/grafana 0']);
    const volume = one.instance('shop')?.context.volumes['data'];
    expect(one.files.fills((volume && one.lab.get(volume)?.context.path) ?? '')).toBe(1);
  });

  test('is given it by the next try when the engine goes away meanwhile', async () => {
    const one = await OneMachine.started();
    let asked = 0;
    one.docker.setImageFolder(async function* () {
      if (asked++ === 0) one.docker.engineDown();
      yield await Promise.resolve(new Uint8Array(512));
      if (asked === 1) throw new IoError('ENGINE_UNREACHABLE', { op: 'x', target: 'y', message: 'it went away' });
    });
    await one.must('deploy-app', { compose: text });
    await one.clock.run(30_000);
    one.docker.engineUp();
    await one.untilApp('shop', 'running');
    expect(asked).toBe(2);
  });
});
