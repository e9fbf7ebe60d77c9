/** `app update`: asks the registries, shows what would change, and goes on with the newer images once that is agreed. */
import type { AppRow } from '#projections/views/apps.ts';
import type { Command } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { agree, apply, change, checkOptions, forecast, printDryRun } from '../change.ts';
import type { Cli, Lab } from '../cli.ts';
import { CliError } from '../errors.ts';
import { changeOptions, examples, namespaceOption, yesOption, type ChangeOptions, type Ref } from '../options.ts';
import { formatOf, isStructured } from '../output/formats.ts';
import { safe } from '../output/safe.ts';
import { listed } from '../output/words.ts';

const lookEveryMs = 500;
/** A node that asks gives each registry 15 seconds. */
const answerWithinMs = 60_000;

export function addAppUpdate(group: Command, cli: Cli): void {
  const update = group
    .command('update')
    .description('go on with the newer images that the registries have; shows them and asks first')
    .argument('<app>')
    .argument('[service...]', 'only these services; one that was built or imported is looked up anew');
  update.action((app: string, services: readonly string[], options: ChangeOptions) =>
    updateApp(cli, options, app, services),
  );
  examples(
    yesOption(namespaceOption(changeOptions(update))),
    'floatlab app update photos',
    'floatlab app update photos web --yes',
  );
}

async function updateApp(cli: Cli, options: ChangeOptions, app: string, services: readonly string[]): Promise<void> {
  checkOptions(options);
  const lab = await cli.lab(options);
  const ref = lab.ref(app, options);
  const row = await asked(cli, lab, ref);
  const silent = row.unanswered.filter((service) => services.length === 0 || services.includes(service));
  const talks = !options.quiet && !isStructured(formatOf(options));
  if (silent.length > 0 && talks) {
    cli.print.talk(`The registry of ${listed(silent)} did not answer: nothing is known of newer images there.`);
  }
  const input = { ...ref, ...(services.length === 0 ? {} : { services: [...services] }) };
  const plan = await forecast(lab, 'update-app', input);
  if (options.dryRun) return printDryRun(cli, options, plan);
  const nothing =
    silent.length > 0
      ? `App ${ref.name} stays as it is.`
      : `App ${ref.name} runs what its registries have already: nothing to do.`;
  if (!plan.unchanged) {
    if (talks) for (const words of plan.changes ?? []) cli.print.talk(safe(words));
    await agree(cli, options, `Update app ${ref.name}? Nobody reaches it for a moment.`);
  }
  await change(cli, lab, options, 'update-app', input, { done: `App ${ref.name} runs its new images.`, nothing });
}

/** The app, once its registries have been asked. */
async function asked(cli: Cli, lab: Lab, ref: Ref): Promise<AppRow> {
  const { world } = cli;
  const look = (): Promise<AppRow> => lab.rest.show('apps', { ...ref }, { signal: world.interrupt });
  const before = await look();
  if ((await apply(cli, lab, 'check-app-images', ref)).unchanged) return before;
  const until = world.now() + answerWithinMs;
  for (;;) {
    const row = await look();
    if (row.imagesCheckedAt !== before.imagesCheckedAt) return row;
    if (world.now() > until) {
      throw new CliError(
        'NO_ANSWER',
        5,
        `No node has asked the registries of app ${ref.name}.`,
        'Is a node up that has an engine? floatlab node ls',
      );
    }
    await delay(lookEveryMs, undefined, { signal: world.interrupt });
  }
}
