/** Logins of registries of images. A password is asked for or piped in; it is never an argument, which others could read. */
import { defaultRegistry, registryNamed } from '#events/values/registry-host.ts';
import type { RegistryRow } from '#projections/views/registries.ts';
import type { Command } from 'commander';
import { mustAsk } from '../ask.ts';
import { change } from '../change.ts';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { momentsOf } from '../moments.ts';
import { changeOptions, examples, readOptions, type ChangeOptions, type ReadOptions } from '../options.ts';
import { printList } from '../output/formats.ts';
import { readRows } from '../rows.ts';
import { readLines } from '../stdin.ts';

interface LoginOptions extends ChangeOptions {
  readonly username?: string;
  readonly passwordStdin?: boolean;
}

export function addRegistryCommands(program: Command, cli: Cli): void {
  const group = program.command('registry').description('logins of registries of images, for all nodes of the lab');

  const login = group
    .command('login')
    .description('give the lab the login of a registry; what was there for it is replaced')
    .argument('[registry]', 'its host, and its port where it has one of its own', defaultRegistry)
    .option('-u, --username <name>', 'who pulls there')
    .option('--password-stdin', 'read the password, or a token of the registry, from stdin');
  login.action(async (given: string, options: LoginOptions) => {
    const registry = named(given);
    const { username, password } = await loginFor(cli, registry, options);
    const lab = await cli.lab(options);
    await change(
      cli,
      lab,
      options,
      'open-registry',
      { registry, username, password },
      {
        done: `Images of ${registry} are pulled as ${username}.`,
        nothing: `The lab has this login of ${registry} already.`,
      },
    );
  });
  examples(
    changeOptions(login),
    'floatlab registry login ghcr.io -u ada',
    'pass ghcr | floatlab registry login ghcr.io --username ada --password-stdin',
  );

  const list = group.command('ls').alias('list').description('list the registries that the lab has a login of');
  list.action(async (options: ReadOptions) => {
    const lab = await cli.lab(options);
    const { ago } = momentsOf(cli, options);
    printList<RegistryRow>(cli.print, options, {
      rows: await readRows(cli, lab, 'registries', options),
      name: ({ id }) => id,
      empty: 'No logins of registries: images that anybody may have need none.',
      columns: [
        { header: 'REGISTRY', value: ({ id }) => id },
        { header: 'USER', value: ({ username }) => username },
        { header: 'SINCE', value: ({ since }) => ago(since) },
      ],
    });
  });
  examples(readOptions(list), 'floatlab registry ls', 'floatlab registry ls -o json');

  const logout = group
    .command('logout')
    .description('forget the login of a registry; what was pulled stays')
    .argument('[registry]', 'as floatlab registry ls shows it', defaultRegistry);
  logout.action(async (given: string, options: ChangeOptions) => {
    const registry = named(given);
    const lab = await cli.lab(options);
    const words = {
      done: `The login of ${registry} is forgotten.`,
      nothing: `The lab had no login of ${registry}.`,
    };
    await change(cli, lab, options, 'close-registry', { registry }, words);
  });
  examples(changeOptions(logout), 'floatlab registry logout ghcr.io', 'floatlab registry logout ghcr.io --dry-run');
}

function named(text: string): string {
  const registry = registryNamed(text);
  if (registry !== undefined) return registry;
  throw usageError(`"${text}" is not a registry.`, 'Give its host, such as ghcr.io or registry.lab:5000.');
}

async function loginFor(
  cli: Cli,
  registry: string,
  options: LoginOptions,
): Promise<{ readonly username: string; readonly password: string }> {
  const { ask } = cli.world;
  if (options.passwordStdin) {
    const [password] = await readLines(cli.world);
    if (options.username === undefined) throw usageError('--password-stdin needs --username as well.');
    if (!password)
      throw usageError(
        'No password was piped in.',
        `pass NAME | floatlab registry login ${registry} --username … --password-stdin`,
      );
    return { username: options.username, password };
  }
  mustAsk(ask, `The password for ${registry} is needed`, 'Pipe it in with --password-stdin, and give --username.');
  const username = options.username ?? (await ask.text(`User of ${registry}`));
  return { username, password: await ask.secret(`Password of ${username} at ${registry}`) };
}
