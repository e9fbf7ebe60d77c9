/** Contexts: the labs that one has signed in to. */
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { chosen } from '../context-of.ts';
import { loadContexts, saveContexts } from '../contexts.ts';
import { CliError } from '../errors.ts';
import { examples, outputOptions } from '../options.ts';
import { printList, type OutputOptions } from '../output/formats.ts';
import { orDash } from '../output/words.ts';

interface Row {
  readonly name: string;
  readonly current: boolean;
  readonly server: string;
  readonly user: string | undefined;
  readonly namespace: string | undefined;
  readonly signedIn: boolean;
}

export function addContextCommands(program: Command, cli: Cli): void {
  const group = program.command('context').description('choose between the labs that you have signed in to');

  const list = group.command('ls').alias('list').description('list them; * is the one in use');
  list.action(async (options: OutputOptions) => {
    const { contexts, current } = await loadContexts(cli.contextsPath);
    // Tokens are not printed, in no format.
    const all = Object.entries(contexts).map(([name, { server, user, namespace, token }]): Row => {
      return { name, current: name === current, server, user, namespace, signedIn: token !== undefined };
    });
    const rows = all.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
    printList(cli.print, options, {
      rows,
      name: ({ name }) => name,
      empty: 'No contexts: floatlab login makes the first one.',
      columns: [
        { header: 'CONTEXT', value: (row) => `${row.current ? '* ' : '  '}${row.name}` },
        { header: 'SERVER', value: ({ server }) => server },
        { header: 'USER', value: ({ user }) => orDash(user) },
        { header: 'SIGNED IN', value: ({ signedIn }) => (signedIn ? 'yes' : 'no') },
        { header: 'NAMESPACE', value: ({ namespace }) => orDash(namespace) },
      ],
    });
  });
  examples(outputOptions(list), 'floatlab context ls', 'floatlab context ls -q');

  const use = group.command('use').description('use another one from now on').argument('<context>');
  use.option('-n, --namespace <name>', 'and this namespace with it');
  use.action(async (name: string, options: { readonly namespace?: string }) => {
    const contexts = await loadContexts(cli.contextsPath);
    const context = contexts.contexts[name];
    if (!context) throw noContext(name);
    const wanted = options.namespace === undefined ? context : { ...context, namespace: options.namespace };
    await saveContexts(cli.contextsPath, chosen(contexts, name, wanted));
    cli.print.talk(`Context ${name} is in use: ${context.server}.`);
  });
  examples(use, 'floatlab context use home', 'floatlab context use home -n media');

  const remove = group.command('rm').description('forget one').argument('<context>');
  remove.action(async (name: string) => {
    const contexts = await loadContexts(cli.contextsPath);
    if (!contexts.contexts[name]) throw noContext(name);
    const { [name]: _, ...others } = contexts.contexts;
    const { current, ...rest } = contexts;
    const kept = current === name || current === undefined ? {} : { current };
    await saveContexts(cli.contextsPath, { ...rest, ...kept, contexts: others });
    cli.print.talk(`Context ${name} is forgotten.`);
  });
  examples(remove, 'floatlab context rm old-lab', 'floatlab context ls -q | xargs -n 1 floatlab context rm');
}

const noContext = (name: string): CliError =>
  new CliError('NOT_FOUND', 4, `There is no context ${name}.`, 'floatlab context ls shows what there is.');
