/** The bouncer: what happens to a machine that asks to join without a token. */
import type { BouncerRule } from '#events/values/bouncer.ts';
import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { agree, change } from '../change.ts';
import type { Cli } from '../cli.ts';
import { conditionWords } from '#ui/client/bouncer-words.ts';
import { ruleOf, rulesOf } from '../bouncer-rules.ts';
import { reasonOf, usageError } from '../errors.ts';
import {
  changeOptions,
  defaultCommand,
  examples,
  readOptions,
  yesOption,
  type ChangeOptions,
  type ReadOptions,
} from '../options.ts';
import { printList } from '../output/formats.ts';
import { counted } from '../output/words.ts';
import { readRows } from '../rows.ts';

interface SetOptions extends ChangeOptions {
  readonly rule?: readonly string[];
}

export function addBouncerCommands(cluster: Command, cli: Cli): void {
  const group = cluster.command('bouncer').description('who may join without a token');

  const list = defaultCommand(group, 'ls').description('list the rules; the first one that fits decides');
  list.action(async (options: ReadOptions) => {
    const lab = await cli.lab(options);
    const [row] = await readRows(cli, lab, 'config', options, { filters: { kind: 'cluster', namespace: undefined } });
    const rules = (row?.spec['bouncer'] ?? []) as readonly BouncerRule[];
    printList<BouncerRule & { readonly number?: number }>(cli.print, options, {
      rows: rules,
      name: (rule) => `${rule.do} ${conditionWords(rule)}`,
      empty: 'No rules: a machine without a token waits until somebody lets it in.',
      columns: [
        { header: 'RULE', value: (rule) => String(rules.indexOf(rule) + 1), right: true },
        { header: 'FITS', value: conditionWords },
        { header: 'DOES', value: (rule) => rule.do },
      ],
    });
  });
  examples(readOptions(list), 'floatlab cluster bouncer', 'floatlab cluster bouncer ls -o yaml');

  const set = group
    .command('set')
    .description('replace the rules: those of a file (a list in YAML or JSON), or --rule')
    .argument('[file]')
    .option('--rule <rule...>', '"admit|ask|refuse name=pi-* address=10.0.0.0/8"');
  set.action(async (file: string | undefined, options: SetOptions) => {
    const rules = await rulesFrom(cli, file, options.rule);
    const lab = await cli.lab(options);
    const admits = rules.filter((rule) => rule.do === 'admit' && conditionWords(rule) === 'any node').length > 0;
    if (admits) await agree(cli, options, 'Let every machine in that reaches a node of this lab, without a token?');
    await change(
      cli,
      lab,
      options,
      'change-bouncer',
      { rules: [...rules] },
      { done: `The bouncer has ${counted(rules.length, 'rule')}.`, nothing: 'The bouncer has these rules already.' },
    );
  });
  examples(
    yesOption(changeOptions(set)),
    'floatlab cluster bouncer set bouncer.yaml',
    'floatlab cluster bouncer set --rule "admit address=192.0.2.0/24" --rule refuse',
  );
}

async function rulesFrom(cli: Cli, file: string | undefined, rules: readonly string[] | undefined) {
  if ((file === undefined) === (rules === undefined)) throw usageError('Say a file, or --rule.');
  if (file === undefined) return (rules ?? []).map(ruleOf);
  const text = await readFile(resolve(cli.world.cwd, file), 'utf8').catch((error: unknown) => {
    throw usageError(`${file} cannot be read: ${reasonOf(error)}.`);
  });
  return rulesOf(text, file);
}
