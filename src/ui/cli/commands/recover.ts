/**
 * Going on from one node when the majority is lost for good. The lab does not run then: `floatlabd`, which is installed
 * beside this program, does it on the data of that node, and asks what it must.
 */
import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { Cli } from '../cli.ts';
import { examples } from '../options.ts';

interface RecoverOptions {
  readonly data: string;
  readonly recoveryKeyFile?: string;
  readonly nodeOff?: readonly string[];
}

export function addRecoverCommand(cluster: Command, cli: Cli): void {
  const recover = cluster
    .command('recover')
    .description('the majority is lost for good: go on from this machine alone; asks first')
    .option('--data <dir>', 'the data directory of its node, whose daemon is stopped', '/var/lib/floatlab')
    .option(
      '--recovery-key-file <file>',
      'holds the recovery key, which a node without a vote needs; else it is asked for',
    )
    .option('--node-off <node...>', 'nodes whose machines are off and stay so; else asked');
  recover.action(async ({ data, recoveryKeyFile: keyFile, nodeOff = [] }: RecoverOptions) => {
    const path = (given: string): string => resolve(cli.world.cwd, given);
    const args = [
      ...['--recover', '--data', path(data)],
      ...(keyFile === undefined ? [] : ['--recovery-key-file', path(keyFile)]),
      ...nodeOff.flatMap((node) => ['--node-off', node]),
    ];
    const { code } = await cli.world.daemon(args, 'show');
    cli.exitCode = code;
  });
  examples(
    recover,
    'floatlab cluster recover',
    'floatlab cluster recover --data /srv/lab --node-off vega --node-off lyra',
  );
}
