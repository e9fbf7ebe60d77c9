/** The whole command line as commander sees it, in a world where nothing can be asked, read or interrupted. */
import type { Command } from 'commander';
import { PassThrough } from 'node:stream';
import { Cli } from '#ui/cli/cli.ts';
import { buildProgram } from '#ui/cli/program.ts';
import { MemorySink } from './test-world.ts';

const nobody = (): Promise<never> => Promise.reject(new Error('nobody is asked'));

export const programAlone = (): Command =>
  buildProgram(
    new Cli({
      env: {},
      cwd: '/',
      home: '/',
      stdin: new PassThrough(),
      stdout: new MemorySink(false),
      stderr: new MemorySink(false),
      ask: { possible: false, confirm: nobody, text: nobody, secret: nobody },
      now: () => 0,
      daemon: nobody,
      interrupt: new AbortController().signal,
    }),
    '1.2.3',
  );
