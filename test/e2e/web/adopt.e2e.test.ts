/** The web app in a real browser, against a lab in memory: what runs on a node beside the lab. */
import { expect, it } from 'vitest';
import { busyLab } from '../seed.ts';
import { describeWeb, shown } from './harness.ts';

describeWeb(({ open }) => {
  it('shows what runs beside the lab, and the plan of one with its differences, its data and its steps', async () => {
    const { page, backend } = await open('/nodes/atlas', busyLab());
    const container = {
      ...{ id: 'ab12', name: 'shop-web-1', service: 'web', image: 'nginx:1.27', state: 'running' as const },
      ...{ health: 'none' as const, startedAt: 0, restartPolicy: 'always' },
    };
    backend.projects = [{ name: 'shop', isCompose: true, folder: '/srv/shop', containers: [container] }];
    backend.adoptionPlan = {
      ...{
        node: 'atlas',
        project: 'shop',
        app: 'shop',
        containers: [{ id: 'ab12', name: 'shop-web-1', service: 'web' }],
      },
      file: { origin: 'written', name: 'compose.yaml', text: 'services: {}\n', why: 'It says something else.' },
      differences: [{ service: 'web', key: 'ports', file: '80:80/tcp', runs: '81:80/tcp' }],
      findings: [],
      mounts: [
        {
          ...{
            service: 'web',
            source: 'shop_data',
            target: '/data',
            readOnly: false,
            becomes: 'copied',
            volume: 'data',
          },
          ...{ pool: null, native: null, bytes: 4096, words: 'shop_data is copied into volume data.' },
        },
      ],
      steps: [{ words: 'It starts under FloatLab.', interrupts: true, command: 'floatlab app start shop' }],
      problems: [],
    };
    await page.getByRole('link', { name: 'Adopt' }).click();
    await page.getByRole('button', { name: 'Plan for shop' }).click();
    await shown(page, '81:80/tcp');
    await shown(page, 'shop_data is copied into volume data.');
    await shown(page, 'floatlab app start shop');
    await page.getByRole('button', { name: 'Show the file' }).click();
    await shown(page, 'services: {}');
    expect(await page.getByText('the app does not answer').count()).toBe(1);
  });

  it('says so where nothing runs beside the lab', async () => {
    const { page } = await open('/nodes/atlas/adopt', busyLab());
    await shown(page, 'Nothing runs here beside the lab');
  });
});
