/** What the images of an app are is decided once, is only added to, and changes when a person asks for it. */
import { beforeEach, describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { newerImagesPolicy } from '#actors/policies/newer-images.ts';
import { meansSame, type ImagePin } from '#events/values/image.ts';
import { TestLab } from '../test-lab.ts';

const node = 'node:atlas';
const hash = (digit: string): string => `sha256:${digit.repeat(64)}`;
const web: ImagePin = { image: 'nginx:1', digest: hash('a'), ids: [hash('1')] };
const own: ImagePin = { image: 'own:1', ids: [hash('2')] };
const compose = 'name: shop\nservices:\n  web: { image: "nginx:1" }\n  own: { image: "own:1" }\n';

let lab: TestLab;
const context = () => {
  const app = lab.lab.get(lab.app('shop'));
  if (!app) throw new Error('there is no app');
  return app.context;
};
const report = (images: Record<string, ImagePin>) => {
  const instance = lab.instance('shop');
  return lab.run('report-images', { instance, visit: lab.visit(instance), images }, node);
};
beforeEach(() => {
  lab = TestLab.ready();
  lab.must('deploy-app', { compose });
  lab.must('assign-instance', { app: lab.app('shop'), node }, 'policy:placement');
});

describe('a pin', () => {
  test('is set by the first start, and the same again changes nothing', () => {
    expect(report({ web, own }).events.map(({ type }) => type)).toEqual(['app.images-pinned']);
    expect(context().images).toEqual({ web, own });
    expect(report({ web, own }).events).toEqual([]);
  });

  test('gets further ids of the same image, and is never replaced by another one', () => {
    report({ web, own });
    report({ web: { ...web, ids: [hash('3')] } });
    expect(context().images['web']).toEqual({ ...web, ids: [hash('1'), hash('3')] });
    expect(report({ web: { ...web, digest: hash('b') } }).rejected?.code).toBe('FIXED');
    expect(report({ own: { ...own, ids: [hash('4')] } }).rejected?.code).toBe('FIXED');
  });

  test('of a text that the app has no more is passed over', () => {
    expect(report({ web: { ...web, image: 'nginx:2' } }).events).toEqual([]);
  });

  test('stays with another revision, and goes with another text', () => {
    report({ web, own });
    lab.must('deploy-app', { compose: compose.replace('own:1', 'own:2') });
    expect(context().images).toEqual({ web });
  });

  test('means the same as itself, either way round', () => {
    const digit = fc.constantFrom('a', 'b', 'c').map(hash);
    const pins = fc.record({
      digest: fc.option(digit, { nil: undefined }),
      ids: fc.uniqueArray(digit, { minLength: 1 }),
    });
    fc.assert(
      fc.property(pins, pins, (a, b) => {
        const [one, other] = [a, b].map(({ digest, ids }): ImagePin => ({
          image: 'x',
          ids,
          ...(digest === undefined ? {} : { digest }),
        })) as [ImagePin, ImagePin];
        expect(meansSame(one, one)).toBe(true);
        expect(meansSame(one, other)).toBe(meansSame(other, one));
      }),
    );
  });
});

describe('an update', () => {
  beforeEach(() => {
    report({ web, own });
    lab.started('shop');
  });
  const offer = (digest: string) =>
    lab.must('report-app-images', { app: lab.app('shop'), images: { web: { image: 'nginx:1', digest } } }, node);

  test('does nothing while the registry has what runs', () => {
    offer(hash('a'));
    expect(lab.types('update-app', { name: 'shop' })).toEqual([]);
  });

  test('is a new revision with what the registry has; the plan says from what to what', () => {
    offer(hash('b'));
    expect(lab.types('update-app', { name: 'shop' })).toEqual(['operation.started', 'app.images-renewed']);
    expect(lab.changes).toEqual(['Service web: nginx:1 aaaaaaaaaaaa → bbbbbbbbbbbb.']);
    expect(context().images).toEqual({ web: { image: 'nginx:1', digest: hash('b'), ids: [] }, own });
    expect(context().revision).toBe(2);
    expect(lab.lab.get(lab.app('shop'))?.state).toBe('updating');
  });

  test('of an image that no registry knows is looked up anew, when its service is named', () => {
    lab.must('update-app', { name: 'shop', services: ['own'] });
    expect(context().images).toEqual({ web });
    expect(lab.run('update-app', { name: 'shop', services: ['none'] }).rejected?.code).toBe('NOT_FOUND');
  });

  test('people do not say what registries have', () => {
    const said = lab.run('report-app-images', { app: lab.app('shop'), images: {} });
    expect(said.rejected?.code).toBe('FORBIDDEN');
  });
});

describe('newer images', () => {
  const due = () => newerImagesPolicy.dueAt?.(lab.app('shop'), lab.lab, {} as never);

  test('are asked for once a day by the time of the log, and not of what no registry knows', () => {
    report({ own });
    expect(due()).toBeUndefined();
    report({ web });
    const first = due() ?? 0;
    expect(first).toBe((lab.lab.get(lab.app('shop'))?.createdAt ?? 0) + 86_400_000);
    lab.now = first;
    expect(newerImagesPolicy.propose(lab.app('shop'), lab.lab, {} as never, first - 1)).toEqual([]);
    const [proposal] = newerImagesPolicy.propose(lab.app('shop'), lab.lab, {} as never, first);
    expect(proposal?.name).toBe('request-image-check');
    lab.must('request-image-check', { app: lab.app('shop') }, 'policy:newer-images');
    // A registry that is away is asked again the next day.
    lab.must('report-app-images', { app: lab.app('shop'), images: {}, unanswered: ['web'] }, node);
    expect(due()).toBe((context().imagesCheckedAt ?? 0) + 86_400_000);
    expect(context().unanswered).toEqual(['web']);
  });
});
