/** `floatlabd`: reads the settings, brings this machine's node or a simulated lab up, and takes it down in order. */
import { readSettings, usage } from './settings.ts';
import { needsRoot, openRealNode } from './real-node.ts';
import { makeLogger } from './logger.ts';
import { openSimulatedLab } from './simulated-lab.ts';
import { stopAll } from './stop-all.ts';
import { version } from './version.ts';
import { IoError } from '../devices/error.ts';
import { LogError } from '../log/port.ts';
import { StoreError } from '../stores/port.ts';

export interface RunningDaemon {
  /** What a person needs to know now, in lines. */
  readonly welcome: readonly string[];
  /** Called once a person has been told. */
  shown?(): Promise<void>;
  stop(): Promise<void>;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const complain = (text: string): void => void process.stderr.write(`${text}\n`);

/** What went wrong and what to do: for a person, without a stack. Anything unforeseen keeps its stack. */
function explain(error: unknown): string {
  if (error instanceof IoError || error instanceof LogError || error instanceof StoreError) {
    const hint = error.hint === undefined || error.hint === '' ? '' : `\nhint:  ${error.hint}`;
    return `error: ${error.message} (${error.code})${hint}`;
  }
  return `error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

async function main(): Promise<void> {
  const parsed = readSettings(process.argv.slice(2), process.env, process.getuid?.() ?? -1);
  if ('show' in parsed) {
    say(parsed.show === 'help' ? usage : `floatlabd ${version}`);
    return;
  }
  if ('wrong' in parsed) {
    complain(`error: ${parsed.wrong}\nhint:  npm start -- --help shows what there is`);
    process.exitCode = 2;
    return;
  }
  const { settings } = parsed;
  const { log, flush } = makeLogger(settings);
  const abort = new AbortController();
  let daemon: RunningDaemon | undefined;

  /** The state of the disk is unknown: no attempt to tidy up, the next start reads what is really there. */
  const onBroken = (error: unknown): void => {
    log.fatal({ error: String(error) }, 'cannot go on');
    complain(explain(error));
    flush();
    process.exit(1);
  };

  let askedAt = 0;
  const stop = (signal: NodeJS.Signals): void => {
    // One Ctrl-C arrives twice when npm passes on what the terminal has already told: only a later one is impatience.
    if (abort.signal.aborted && performance.now() - askedAt < 1000) return;
    if (abort.signal.aborted) {
      complain('stopped at once');
      process.exit(130);
    }
    askedAt = performance.now();
    abort.abort();
    log.info({ signal }, 'stopping');
    if (!daemon) process.exit(130);
    daemon.stop().then(
      () => {
        flush();
        process.exit(0);
      },
      (error: unknown) => {
        complain(explain(error));
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  try {
    if (settings.stopAll) {
      needsRoot();
      for (const line of await stopAll(settings, { log, onBroken, signal: abort.signal })) say(line);
      flush();
      process.exit(0);
    }
    const open = settings.simulate === undefined ? openRealNode : openSimulatedLab;
    const isTerminal = process.stdout.isTTY;
    daemon = await open(settings, { log, onBroken, signal: abort.signal, isTerminal });
    // In one piece: where there is no terminal, the lines of the log may go to the same place.
    say((isTerminal ? daemon.welcome : ['', ...daemon.welcome, '']).join('\n'));
    await daemon.shown?.();
  } catch (error) {
    log.fatal({ error: String(error) }, settings.stopAll ? 'could not stop' : 'could not start');
    complain(explain(error));
    flush();
    process.exit(1);
  }
}

await main();
