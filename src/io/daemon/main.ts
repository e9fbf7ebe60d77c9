/** `floatlabd`: reads the settings, brings this machine's node or a simulated lab up, and takes it down in order. */
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import type { Logger } from 'pino';
import { FoldTooNew } from '#actors/libraries.ts';
import { realRandom } from '../devices/random/real.ts';
import { inspectSnapshot } from '../lab-snapshot/inspect.ts';
import { RecoveryError } from '../pki/recovery-key.ts';
import type { Word } from './cluster/ask-off.ts';
import { recoverLab } from './cluster/recover.ts';
import { restoreLab } from './cluster/restore.ts';
import type { Paper } from './cluster/sealed-keys.ts';
import { lockDataDir } from './lock.ts';
import { prefold } from './prefold.ts';
import { readSettings, usage, type RestoreSettings, type Settings } from './settings.ts';
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
  const isForeseen = [FoldTooNew, IoError, LogError, RecoveryError, StoreError].some((kind) => error instanceof kind);
  if (isForeseen) {
    const { code, message, hint: advice } = error as FoldTooNew | IoError | LogError | RecoveryError | StoreError;
    const hint = advice === undefined || advice === '' ? '' : `\nhint:  ${advice}`;
    return `error: ${message} (${code})${hint}`;
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
  let opening: Promise<RunningDaemon> | undefined;

  /** The state of the disk is unknown: no attempt to tidy up, the next start reads what is really there. */
  const onBroken = (error: unknown): void => {
    log.fatal({ error: String(error) }, 'cannot go on');
    complain(explain(error));
    flush();
    process.exit(1);
  };

  let isAnew = false;
  /** It stops in order and folds the history anew. Once: who comes to something else again has a fault of its own. */
  const onDiverged = (why: string): void => {
    log.error({ why }, 'this node folded the history otherwise than the others: it stops, and folds it anew');
    if (isAnew || !opening) return onBroken(diverged(why));
    isAnew = true;
    // It may be just about to serve.
    opening
      .then((odd) => {
        daemon = undefined;
        return odd.stop();
      })
      .then(() => openRealNode({ ...settings, resetPassword: false }, context))
      .then((opened) => {
        daemon = opened;
        log.info('the history is folded anew, and the node is back');
      })
      .catch(onBroken);
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
  const isTerminal = process.stdout.isTTY;
  const context = { log, onBroken, onDiverged, signal: abort.signal, isTerminal };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  try {
    if (settings.stopAll) {
      needsRoot();
      for (const line of await stopAll(settings, { log, onBroken, signal: abort.signal })) say(line);
      flush();
      process.exit(0);
    }
    if (settings.recover) {
      needsRoot();
      await recover(settings, log);
      flush();
      process.exit(0);
    }
    if (settings.restore) {
      needsRoot();
      await restore(settings, settings.restore, log);
      flush();
      process.exit(0);
    }
    if (settings.prefold) {
      const { index, folded } = await prefold(settings.dataDir, say);
      if (folded > 0)
        say(`Folded ${folded} events, up to event ${index}: the first start of this version goes on there.`);
      flush();
      process.exit(0);
    }
    if (settings.inspect !== undefined) {
      const report = await inspectSnapshot(settings.inspect);
      say(JSON.stringify(report, null, 2));
      flush();
      process.exit(report.isWhole ? 0 : 1);
    }
    const open = settings.simulate === undefined ? openRealNode : openSimulatedLab;
    opening = open(settings, context);
    daemon = await opening;
    // In one piece: where there is no terminal, the lines of the log may go to the same place.
    say((isTerminal ? daemon.welcome : ['', ...daemon.welcome, '']).join('\n'));
    await daemon.shown?.();
  } catch (error) {
    log.fatal({ error: String(error) }, failedTo(settings));
    complain(explain(error));
    flush();
    process.exit(isMisasked(error, settings) ? 2 : 1);
  }
}

/** A restore that needs another option, or an answer where nobody can be asked; nothing was tried. */
const isMisasked = (error: unknown, { restore: restores }: Settings): boolean =>
  restores !== undefined && error instanceof IoError && error.code === 'INVALID' && error.op === 'restore';

function failedTo({
  stopAll: stops,
  recover: recovers,
  restore: restores,
  prefold: prefolds,
  inspect,
}: Settings): string {
  if (stops) return 'could not stop';
  if (recovers) return 'could not recover';
  if (restores) return 'could not restore';
  if (prefolds) return 'could not prefold';
  return inspect === undefined ? 'could not start' : 'could not inspect';
}

/** With the data directory to itself, and somebody to ask, if there is somebody. */
async function offline(
  dataDir: string,
  work: (
    asking: Pick<Word, 'by' | 'confirm'>,
    ask: ((question: string) => Promise<string>) | undefined,
  ) => Promise<void>,
): Promise<void> {
  const lock = await lockDataDir(dataDir);
  const terminal = process.stdin.isTTY ? createInterface({ input: process.stdin, output: process.stdout }) : undefined;
  const ask = terminal && (async (question: string) => (await terminal.question(question)).trim());
  const confirm = async (question: string): Promise<boolean | undefined> =>
    ask && /^y(es)?$/i.test(await ask(`${question} [y/N] `));
  try {
    await work({ by: userInfo().username, confirm }, ask);
  } finally {
    terminal?.close();
    await lock.release();
  }
}

const recover = ({ dataDir, nodesOff, recoveryKeyFile }: Settings, log: Logger): Promise<void> =>
  offline(dataDir, (asking, ask) =>
    recoverLab({
      ...asking,
      dataDir,
      nodesOff,
      random: realRandom,
      log,
      recoveryKey: paperKey('recover', recoveryKeyFile, ask),
      say,
      step: (what) => log.debug({ step: what }, 'recovering'),
    }),
  );

async function restore(settings: Settings, from: RestoreSettings, log: Logger): Promise<void> {
  const { dataDir, nodesOff, said, nodeName, recoveryKeyFile } = settings;
  const { file, generation } = from;
  await mkdir(dataDir, { recursive: true });
  await chmod(dataDir, 0o711);
  await offline(dataDir, ({ by, confirm }, ask) =>
    restoreLab({
      by,
      confirm,
      dataDir,
      nodesOff,
      file,
      generation,
      node: said.has('name') ? nodeName : undefined,
      hostName: nodeName,
      random: realRandom,
      recoveryKey: paperKey('restore', recoveryKeyFile, ask),
      say,
      step: (what) => log.debug({ step: what }, 'restoring'),
    }),
  );
}

const paperKey =
  (
    op: string,
    keyFile: string | undefined,
    ask: ((question: string) => Promise<string>) | undefined,
  ): Paper['recoveryKey'] =>
  async () => {
    if (keyFile !== undefined) return { typed: await keyIn(keyFile), canTryAgain: false };
    if (ask) return { typed: await ask('Recovery key of the lab: '), canTryAgain: true };
    throw new IoError('INVALID', {
      op,
      target: 'the recovery key',
      message: 'the recovery key is needed, and nobody can be asked: this is not a terminal',
      hint: 'Put it into a file that only root can read: --recovery-key-file FILE',
    });
  };

const diverged = (why: string): IoError =>
  new IoError('DAMAGED', {
    op: 'fold',
    target: 'the history',
    message: `this node folds the history otherwise than the others, again: ${why}`,
    hint: 'Does it run the same version as the others? If it does, test its memory, or let another machine replace it.',
  });

const keyIn = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((error: unknown) => {
    throw new IoError('INVALID', {
      op: 'read',
      target: path,
      message: `the file with the recovery key cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'Name a file that holds the key as the first start of the lab printed it: --recovery-key-file FILE',
      cause: error,
    });
  });

await main();
