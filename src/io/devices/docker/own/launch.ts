/** Starts the program of an engine of our own, so that it goes on when FloatLab ends. */
import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import type { EnginePaths } from './paths.ts';

export interface Launched {
  /** Resolves when the process has ended, with a sentence that says how. */
  readonly ended: Promise<string>;
  /** Length of the log before this start. */
  readonly logFrom: number;
}

/** What `ended` says when there is no such program. */
export const notInstalled = 'dockerd is not installed';

export async function launch(paths: EnginePaths, networkFlags: readonly string[]): Promise<Launched> {
  const logFile = await open(paths.log, 'a', 0o600);
  try {
    const logFrom = (await logFile.stat()).size;
    const flags = [
      `--config-file=${paths.configFile}`,
      `--data-root=${paths.dataRoot}`,
      `--exec-root=${paths.execRoot}`,
      `--host=unix://${paths.socket}`,
      `--pidfile=${paths.pidFile}`,
      // The engine's default keeps the output of a container without bound.
      '--log-opt=max-size=10m',
      '--log-opt=max-file=3',
      ...networkFlags,
    ];
    // Its output goes straight into the file: a pipe through this process would break when the daemon ends.
    const child = spawn('dockerd', flags, {
      detached: true,
      stdio: ['ignore', logFile.fd, logFile.fd],
      env: environment(),
    });
    child.unref();
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error: NodeJS.ErrnoException) =>
        resolve(error.code === 'ENOENT' ? notInstalled : `it could not be run: ${error.message}`),
      );
      child.once('exit', (code, signal) =>
        resolve(signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`),
      );
    });
    return { ended, logFrom };
  } finally {
    await logFile.close();
  }
}

/** Proxies reach the registry through; nothing else of FloatLab's concerns it, its service manager least of all. */
function environment(): NodeJS.ProcessEnv {
  const passed = Object.entries(process.env).filter(([key]) => /^(?:https?_proxy|no_proxy|home|tmpdir)$/i.test(key));
  const folders = [
    ...(process.env['PATH'] ?? '').split(':'),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    '/usr/bin',
    '/bin',
  ];
  return { ...Object.fromEntries(passed), PATH: [...new Set(folders)].filter((folder) => folder !== '').join(':') };
}

const tailBytes = 64 * 1024;
const tailLines = 6;

/** What the engine complained of since that length of its log: the last lines that are no mere remarks, or the last. */
export async function logTail(paths: EnginePaths, from: number): Promise<string> {
  const text = (await readFile(paths.log)).subarray(from).subarray(-tailBytes).toString('utf8');
  const lines = text.split('\n').filter((line) => line !== '');
  const complaints = lines.filter((line) => !/ level=(?:info|debug|warning) /.test(line));
  return (complaints.length > 0 ? complaints : lines).slice(-tailLines).join('\n');
}
