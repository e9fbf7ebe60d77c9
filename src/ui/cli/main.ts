/** The process of the command line: its streams, its signals, its exit code. Everything else is in `program.ts`. */
import { homedir } from 'node:os';
import process from 'node:process';
import packageJson from '../../../package.json' with { type: 'json' };
import { terminalAsker } from './ask.ts';
import { runDaemon } from './daemon.ts';
import { runCli } from './program.ts';

const interrupt = new AbortController();

process.on('SIGINT', () => {
  // The second time nothing is waited for.
  if (interrupt.signal.aborted) process.exit(130);
  interrupt.abort();
});
process.on('SIGTERM', () => interrupt.abort());

// Whoever reads may stop reading: `floatlab event follow | head`.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

const canAsk = process.stdin.isTTY === true && process.stderr.isTTY === true;
const code = await runCli(
  process.argv.slice(2),
  {
    env: process.env,
    cwd: process.cwd(),
    home: homedir(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    ask: terminalAsker(process.stdin, process.stderr, canAsk),
    now: () => Date.now(),
    daemon: runDaemon,
    interrupt: interrupt.signal,
  },
  packageJson.version,
);

// Everything that was written leaves before the process does; an open stdin would keep it otherwise.
await Promise.all(
  [process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))),
);
process.exit(code);
