/** The web app in a real browser, against a lab in memory: who belongs to the lab, who leads it, and what that means. */
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { member } from '#test/io/http/fake-cluster.ts';
import type { FakeLab } from '../fake-lab.ts';
import { accessibilityProblems } from '../browser.ts';
import { busyLab } from '../seed.ts';
import { describeWeb, heading, patience, row, settled, shown, walk } from './harness.ts';

/** For people who look at what was built: FLOATLAB_SHOTS names the folder. */
const picture = async (page: Page, name: string): Promise<void> => {
  const folder = process.env['FLOATLAB_SHOTS'];
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`) });
};

const dialog = (page: Page) => page.getByRole('dialog');

/** A machine that asks to join without a token. */
function knock(lab: FakeLab, name: string, keySha256: string): void {
  const { addresses = [], facts } = lab.view.list('node')[0]?.context ?? {};
  lab.run(
    'admit-node',
    {
      node: `node:${name}-1`,
      incarnation: 'inc1',
      name,
      addresses: [...addresses],
      port: 7401,
      keySha256,
      facts: facts as never,
      protocol: { min: 1, max: 1 },
      clock: lab.now,
      token: null,
    },
    'system:door',
  );
}

/** What overflows is drawn nowhere, or outside of the frame: nobody can click it. */
async function isInside(part: Locator, frame: Locator): Promise<boolean> {
  const [inner, outer] = await Promise.all([part.boundingBox(), frame.boundingBox()]);
  if (!inner || !outer) return false;
  return inner.x >= outer.x && inner.x + inner.width <= outer.x + outer.width;
}

const down = (lab: FakeLab, name: string): void =>
  void lab.run('report-node-down', { node: `node:${name}-1`, lastSeenAt: lab.now - 5000 }, 'policy:liveness');

describeWeb(({ open }) => {
  it('shows machines that wait, lets one in after a look at its key, and sends another away', async () => {
    const { page, lab } = await open('/nodes');
    await page.getByRole('table', { name: 'Members' }).waitFor(patience);
    knock(lab, 'rigel', 'ab'.repeat(32));
    knock(lab, 'intruder', 'cd'.repeat(32));
    const waiting = page.getByRole('region', { name: 'Waiting to be let in' });
    await waiting.getByText('rigel').waitFor(patience);
    await row(page, 'rigel').getByRole('button', { name: 'Approve' }).click();
    await dialog(page).getByText('ab'.repeat(32)).waitFor(patience);
    await dialog(page).getByRole('button', { name: 'Approve' }).click();
    await row(page, 'rigel').getByText('Let in: it joins when it asks again.').waitFor(patience);
    await row(page, 'intruder').getByRole('button', { name: 'Refuse' }).click();
    await dialog(page).getByRole('button', { name: 'Refuse' }).click();
    await waiting.getByText('intruder').waitFor({ state: 'detached', ...patience });
    // Its page says the same.
    await walk(page, '/nodes/rigel');
    await heading(page, 'rigel').waitFor(patience);
    await shown(page, 'waiting');
    expect(await page.getByRole('button', { name: 'Cordon' }).count()).toBe(0);
  });

  it('makes a token for another machine, and shows the command this once', async () => {
    const { page, lab } = await open('/nodes');
    await page.getByRole('button', { name: 'Add a node' }).click();
    await dialog(page).getByLabel('What it does').selectOption('witness');
    await dialog(page).getByLabel('Zone').fill('attic');
    expect(await accessibilityProblems(page)).toEqual([]);
    await dialog(page).getByRole('button', { name: 'Make a token' }).click();
    await dialog(page).getByText('npm start -- --join flt1-abc').waitFor(patience);
    await dialog(page)
      .getByText(/shown this once.*It expires in/)
      .waitFor(patience);
    await dialog(page).getByRole('button', { name: 'Copy' }).click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('npm start -- --join flt1-abc');
    expect(lab.rows('tokens')[0]?.[1]).toMatchObject({ role: 'witness', labels: { zone: 'attic' } });
    await dialog(page).getByRole('button', { name: 'Done' }).click();
    await dialog(page).waitFor({ state: 'detached', ...patience });
    expect(await page.content()).not.toContain('flt1-abc');
  });

  it('keeps the button that copies the command in sight, however long the token is', async () => {
    for (const phone of [false, true]) {
      const { page, backend } = await open('/nodes', busyLab(), { phone });
      backend.joinCommand = `npm start -- --join flt1-${'Xy7'.repeat(80)}`;
      await page.getByRole('button', { name: 'Add a node' }).click();
      await dialog(page).getByRole('button', { name: 'Make a token' }).click();
      const copy = dialog(page).getByRole('button', { name: 'Copy' });
      await copy.waitFor(patience);
      expect(await isInside(copy, dialog(page)), `phone ${phone}`).toBe(true);
      expect(await isInside(dialog(page).getByText('npm start'), dialog(page)), `phone ${phone}`).toBe(true);
      await picture(page, `join-token${phone ? '-phone' : ''}`);
      await copy.click();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(backend.joinCommand);
    }
  });

  it('shows who leads and who answers, in the bar and on the nodes, and hands the leadership over', async () => {
    const { page, lab, backend } = await open('/nodes');
    const card = page.getByRole('region', { name: 'Cluster' });
    await card.getByText('3 of 3 voters answer').waitFor(patience);
    await page.getByRole('link', { name: 'Quorum 3/3: 3 of 3 voters answer; atlas leads' }).waitFor(patience);
    await shown(page, '3/3');
    await walk(page, '/nodes/vega');
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Let it lead' }).click();
    await shown(page, 'vega leads the lab.');
    await page.getByRole('link', { name: /vega leads/ }).waitFor(patience);
    backend.cluster = undefined;
    down(lab, 'vega');
    await page.getByRole('link', { name: 'Quorum 2/3: 2 of 3 voters answer; atlas leads' }).waitFor(patience);
  });

  it('says when no majority answers, since when, and lets nobody try in vain', async () => {
    const { page, backend } = await open('/apps/default/wiki');
    await page.getByRole('button', { name: 'Stop' }).waitFor(patience);
    backend.cluster = {
      ...{ lab: 'l', generation: 1, term: 4, leader: undefined, hasQuorum: false, isChanging: false, isSuspect: false },
      ...{ committed: 1, index: 1, promises: [] },
      members: [
        member('atlas', { isSelf: true }),
        member('polaris', { isReachable: false }),
        member('vega', { isReachable: false }),
      ],
    };
    backend.stale = true;
    await page
      .getByText(/No majority of the lab’s voters answers.*You see what was known at \d\d:\d\d/)
      .waitFor(patience);
    await page
      .getByRole('link', { name: 'Quorum 1/3: no majority of the voters answers; nobody leads' })
      .waitFor(patience);
    expect(await page.getByRole('button', { name: 'Stop' }).getAttribute('aria-disabled')).toBe('true');
    backend.cluster = undefined;
    backend.stale = false;
    await page.getByText(/No majority of the lab/).waitFor({ state: 'detached', ...patience });
    await expect
      .poll(() => page.getByRole('button', { name: 'Stop' }).getAttribute('aria-disabled'), patience)
      .toBeNull();
  });

  it('makes up no leader and no votes in a simulated lab, and lets people work there', async () => {
    const { page, backend } = await open('/nodes');
    const card = page.getByRole('region', { name: 'Cluster' });
    await card.getByText('3 of 3 voters answer').waitFor(patience);
    backend.cluster = {
      ...{ lab: 'l', generation: 1, term: 0, leader: undefined, hasQuorum: true, isChanging: false, isSuspect: false },
      ...{ committed: 1, index: 1, promises: [], simulated: 'One process decides for all 3 simulated nodes.' },
      members: ['atlas', 'polaris', 'vega'].map((name) => member(name, { votes: 'none' })),
    };
    await card.getByText('One process decides for all 3 simulated nodes.').waitFor(patience);
    await card.getByText('one process, for all nodes').waitFor(patience);
    await page.getByRole('link', { name: /^Quorum/ }).waitFor({ state: 'detached', ...patience });
    await walk(page, '/');
    const promises = page.getByRole('region', { name: 'What this lab can bear' });
    await promises.getByText('One process decides for all 3 simulated nodes.').waitFor(patience);
    await walk(page, '/apps/default/wiki');
    expect(await page.getByRole('button', { name: 'Stop' }).getAttribute('aria-disabled')).toBeNull();
  });

  it('does not say that an app runs whose node is down', async () => {
    const { page, lab } = await open('/apps');
    await row(page, 'wiki').getByText('running').waitFor(patience);
    const node = lab.view.get(lab.view.referrers(lab.app('wiki').stream, 'instance')[0]?.context.node ?? 'node:');
    const name = node?.context.metadata.name ?? '';
    down(lab, name);
    await row(page, 'wiki').getByText('unknown').waitFor(patience);
    await walk(page, '/apps/default/wiki');
    await shown(page, /last heard/);
    await shown(page, `Node ${name} is down: whether app wiki still runs there is not known.`);
    await shown(page, /does not move to another node by itself yet/);
    const restart = page.getByRole('button', { name: 'Restart' });
    expect(await restart.getAttribute('aria-description')).toContain(`${name} is down`);
    // Its statechart still shows what the lab decided.
    await walk(page, '/apps/default/wiki/why');
    await shown(page, 'Where it is');
    await walk(page, '/');
    await page.getByTestId('sentence').filter({ hasText: 'has gone silent' }).waitFor(patience);
  });

  it('gives a node another role, and removes one that is lost only after its name was typed', async () => {
    const { page, lab } = await open('/nodes/polaris');
    const choose = async (item: string): Promise<void> => {
      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: item }).click();
    };
    await choose('Change its role…');
    await dialog(page).getByLabel('What it does').selectOption('learner');
    await dialog(page).getByRole('button', { name: 'Change role' }).click();
    await expect
      .poll(
        () => lab.view.list('node').find(({ context }) => context.metadata.name === 'polaris')?.context.role,
        patience,
      )
      .toBe('learner');
    const holder = lab.view.get(lab.view.list('volume')[0]?.context.node ?? 'node:')?.context.metadata.name ?? '';
    down(lab, holder);
    await walk(page, `/nodes/${holder}`);
    await heading(page, holder).waitFor(patience);
    await shown(page, `${holder} does not answer.`);
    await choose('Remove…');
    await dialog(page)
      .getByText(/would be lost, with all snapshots/)
      .waitFor(patience);
    const confirm = dialog(page).getByRole('button', { name: 'Remove node' });
    expect(await confirm.isDisabled()).toBe(true);
    await dialog(page).getByRole('textbox').fill(holder);
    await confirm.click();
    await heading(page, 'Nodes').waitFor(patience);
    expect(lab.view.byName('node', 'system', holder)).toBeUndefined();
  });

  it('changes the labels of a node one by one, and shows before what they will be', async () => {
    const { page, lab } = await open('/nodes/vega');
    const labels = () => lab.view.byName('node', 'system', 'vega')?.context.metadata.labels;
    lab.run('label-node', { name: 'vega', labels: { zone: 'cellar', disk: 'ssd' } }, 'user:admin');
    await shown(page, 'zone=cellar, disk=ssd');
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Change its labels…' }).click();
    await dialog(page).getByLabel('Value of label 1').fill('attic');
    await dialog(page).getByRole('button', { name: 'Take label 2 away' }).click();
    await dialog(page).getByRole('button', { name: 'Add a label' }).click();
    await dialog(page).getByLabel('Key of label 2').fill('rack');
    await dialog(page).getByLabel('Value of label 2').fill('left');
    await dialog(page).getByText('Node vega would have the labels zone=attic, rack=left.').waitFor(patience);
    expect(await accessibilityProblems(page)).toEqual([]);
    await picture(page, 'node-labels');
    await dialog(page).getByRole('button', { name: 'Change labels' }).click();
    await dialog(page).waitFor({ state: 'detached', ...patience });
    await expect.poll(labels, patience).toEqual({ zone: 'attic', rack: 'left' });
    await shown(page, 'zone=attic, rack=left');
  });

  it('writes the rules for machines without a token, in their order, and saves none that is not right', async () => {
    const { page, lab } = await open('/nodes');
    const card = page.getByRole('region', { name: 'Machines without a token' });
    await card.getByText('Each waits until somebody lets it in.').waitFor(patience);
    await card.getByRole('button', { name: 'Edit rules…' }).click();
    const rule = (n: number) => dialog(page).getByRole('group', { name: `Rule ${n}` });
    const save = dialog(page).getByRole('button', { name: 'Save rules' });
    for (const _ of [1, 2]) await dialog(page).getByRole('button', { name: 'Add a rule' }).click();
    await rule(1).getByLabel('Then').selectOption('refuse');
    await rule(2).getByLabel('Address').fill('somewhere');
    await rule(2).getByText('Write for example 192.0.2.7').waitFor(patience);
    expect(await save.isDisabled()).toBe(true);
    await rule(2).getByLabel('Address').fill('192.0.2.0/24');
    await rule(2).getByLabel('Name').fill('pi-*');
    await rule(2).getByLabel('Labels').fill('zone=attic');
    await rule(2).getByLabel('Then').selectOption('admit');
    await dialog(page).getByRole('button', { name: 'Rule 2 earlier' }).click();
    await dialog(page)
      .getByText(/The bouncer would follow 2 rules/)
      .waitFor(patience);
    expect(await accessibilityProblems(page)).toEqual([]);
    await picture(page, 'bouncer');
    await save.click();
    await dialog(page).waitFor({ state: 'detached', ...patience });
    await card.getByText('name pi-*, address 192.0.2.0/24, label zone=attic').waitFor(patience);
    expect(lab.view.list('cluster')[0]?.context.bouncer).toEqual([
      { do: 'admit', name: 'pi-*', address: '192.0.2.0/24', labels: { zone: 'attic' } },
      { do: 'refuse' },
    ]);
    await card.getByRole('button', { name: 'Edit rules…' }).click();
    await dialog(page).getByRole('button', { name: 'Remove rule 2' }).click();
    await save.click();
    await expect.poll(() => lab.view.list('cluster')[0]?.context.bouncer, patience).toHaveLength(1);
  });

  it('says on a node that the others do not let in why that is, and what to do', async () => {
    const { page, backend } = await open('/nodes');
    await page.getByRole('table', { name: 'Members' }).waitFor(patience);
    backend.cluster = {
      ...{ lab: 'l', generation: 1, term: 4, leader: undefined, hasQuorum: false, isChanging: false, isSuspect: false },
      ...{ committed: 1, index: 1, promises: [], members: [member('atlas', { isSelf: true })] },
      outcast: {
        code: 'NOT_ADMITTED',
        message: 'Node atlas does not belong to the lab any more: it left, or was removed.',
        hint: 'If it should belong to it again: empty its data directory.',
      },
    };
    backend.stale = true;
    const banner = page.getByRole('alert').filter({ hasText: 'does not belong to the lab any more' });
    await banner.getByText(/You see what was known at \d\d:\d\d/).waitFor(patience);
    await banner.getByText(/empty its data directory/).waitFor(patience);
    // Nobody here knows whether anything is wrong.
    await walk(page, '/');
    await page
      .getByTestId('sentence')
      .getByText(/^What was known last/)
      .waitFor(patience);
    expect(await page.getByTestId('sentence').innerText()).not.toContain('Nothing is wrong');
    await picture(page, 'outcast-overview');
    backend.stale = false;
    backend.cluster = undefined;
    await page.getByText(/^What was known last/).waitFor({ state: 'detached', ...patience });
  });

  it('tells a node that was stopped on purpose from one that fell silent, and shows the disks of each', async () => {
    const { page, lab } = await open('/nodes');
    await row(page, 'vega').first().waitFor(patience);
    lab.run('report-node-stopped', { node: 'node:vega-1' }, 'node:vega-1');
    await row(page, 'vega').getByText('stopped').first().waitFor(patience);
    await walk(page, '/nodes/vega');
    await shown(page, 'vega was stopped on purpose.');
    await shown(page, 'sda, 3.64 TiB, turning, WDC WD40EFRX-68N');
    await picture(page, 'node-stopped');
  });

  it('says on the overview what a lab of this size can bear', async () => {
    const { page } = await open('/', busyLab());
    const promises = page.getByRole('region', { name: 'What this lab can bear' });
    await promises.getByText('One of three nodes decides').waitFor(patience);
    await settled(page);
    expect(await accessibilityProblems(page)).toEqual([]);
  });
});
