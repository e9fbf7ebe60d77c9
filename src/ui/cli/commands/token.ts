/** Join tokens: the way for another machine into the lab. */
import { nodeRole, type NodeRole } from '#events/values/peer.ts';
import type { TokenRow } from '#projections/views/tokens.ts';
import { Option, type Command } from 'commander';
import { randomUUID } from 'node:crypto';
import { change } from '../change.ts';
import type { Cli } from '../cli.ts';
import { CliError } from '../errors.ts';
import { labelsOf } from '../labels.ts';
import { momentsOf } from '../moments.ts';
import {
  changeOptions,
  defaultCommand,
  durationOf,
  examples,
  outputOptions,
  readOptions,
  type ChangeOptions,
  type LabOptions,
  type ReadOptions,
} from '../options.ts';
import { formatOf, isStructured, printList, printStructured, type OutputOptions } from '../output/formats.ts';
import { paintState } from '../output/style.ts';

import { orDash, shortDuration } from '../output/words.ts';
import { readRows } from '../rows.ts';
import { UnreachableError } from '#ui/client/errors.ts';
import { labelWords } from './app.ts';

interface MakeOptions extends LabOptions, OutputOptions {
  readonly role?: NodeRole;
  readonly label?: readonly string[];
  readonly validFor?: string;
  readonly replaces?: string;
}

export function addTokenCommands(nodes: Command, cli: Cli): void {
  const group = nodes.command('token').description('let another machine in: make, list and revoke join tokens');

  const make = defaultCommand(group, 'create')
    .description('make a join token: one machine joins with it, once')
    .addOption(new Option('--role <role>', 'what the machine becomes').choices(nodeRole.options))
    .option('--label <key=value...>', 'labels of the new node')
    .option('--valid-for <duration>', 'how long it is good: 30m, 3h, 2d', '3h')
    .option('--replaces <node>', 'for the successor of this node, which lost its disk');
  make.action((options: MakeOptions) => makeToken(cli, options));
  examples(
    outputOptions(make, 'print the token alone'),
    'floatlab node token',
    'floatlab node token --role witness --label zone=attic',
  );

  const list = group.command('ls').alias('list').description('list the tokens: open ones, and those that ended lately');
  list.action(async (options: ReadOptions) => {
    const lab = await cli.lab(options);
    const { ago } = momentsOf(cli, options);
    printList<TokenRow>(cli.print, options, {
      rows: (await readRows(cli, lab, 'tokens', options)).toSorted((a, b) => b.issuedAt - a.issuedAt),
      name: ({ id }) => id,
      empty: 'No tokens. floatlab node token makes one.',
      columns: [
        { header: 'TOKEN', value: ({ id }) => id },
        {
          header: 'STATE',
          value: ({ state }) => state,
          paint: (text, { state }) => paintState(cli.print.style, text, state === 'open' ? 'active' : 'off'),
        },
        { header: 'ROLE', value: ({ role }) => role },
        { header: 'ISSUED', value: ({ issuedAt }) => ago(issuedAt) },
        { header: 'EXPIRES', value: ({ state, expiresAt }) => (state === 'open' ? ago(expiresAt) : '–') },
        { header: 'USED BY', value: ({ usedBy }) => orDash(usedBy?.name) },
        { header: 'REPLACES', value: ({ replaces }) => orDash(replaces) },
        { header: 'LABELS', value: ({ labels }) => orDash(labelWords(labels)), wide: true },
      ],
    });
  });
  examples(readOptions(list), 'floatlab node token ls', 'floatlab node token ls -o json');

  const revoke = group.command('revoke').description('let nobody in by this token any more').argument('<token>');
  revoke.action(async (token: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const words = {
      done: `Token ${token} opens nothing any more.`,
      nothing: `Token ${token} opened nothing any more.`,
    };
    await change(cli, lab, options, 'revoke-token', { token }, words);
  });
  examples(
    changeOptions(revoke),
    'floatlab node token revoke k3x9q2mw7r4t',
    'floatlab node token revoke k3x9q2mw7r4t --dry-run',
  );
}

/** What was just made for three hours is good for 3 h, not for 2. */
const roundingMs = 30_000;

async function makeToken(cli: Cli, options: MakeOptions): Promise<void> {
  const format = formatOf(options);
  const { role, label, validFor = '3h', replaces } = options;
  durationOf(validFor, '--valid-for');
  const labels = label && labelsOf(label);
  const lab = await cli.lab(options);
  const asked = {
    validFor,
    ...(role === undefined ? {} : { role }),
    ...(labels === undefined ? {} : { labels }),
    ...(replaces === undefined ? {} : { replaces: lab.ref(replaces, {}).name }),
  };
  const made = await lab.rest.makeJoinToken(asked, { idempotencyKey: randomUUID() }).catch((error: unknown) => {
    if (!(error instanceof UnreachableError) || !error.maybeSent) throw error;
    throw new CliError(
      'OUTCOME_UNKNOWN',
      7,
      'No answer came: whether there is a new token is not known, and what it opens with is lost.',
      'floatlab node token ls shows it; floatlab node token revoke ID ends it. Then make another one.',
      { cause: error },
    );
  });
  if (isStructured(format)) return printStructured(cli.print, format, made);
  if (options.quiet) return cli.print.data(made.token);
  const left = shortDuration(made.expiresAt + roundingMs - cli.world.now());
  cli.print.talk(`One machine can join with this token, within ${left}. It is shown this once. Run there, as root:`);
  cli.print.data(made.command);
  cli.print.talk(`Not needed after all? floatlab node token revoke ${made.id}`);
}
