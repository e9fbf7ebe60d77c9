/** `compose schema`: what editors check compose files with. */
import type { Command } from 'commander';
import { composeSchema } from '#actors/compose/schema.ts';
import type { Cli } from '../cli.ts';
import { examples } from '../options.ts';
import { asJson } from '../output/formats.ts';

export function addSchemaCommand(group: Command, cli: Cli): void {
  const schema = group.command('schema').description('print the JSON schema of compose files, for editors');
  schema.action(() => cli.print.data(asJson(composeSchema())));
  examples(schema, 'floatlab compose schema', 'floatlab compose schema > compose.schema.json');
}
