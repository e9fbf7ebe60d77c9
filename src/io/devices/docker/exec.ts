/**
 * A command inside a running container, with its input and output.
 *
 * The connection is taken over from HTTP as a plain two-way socket: with a terminal its bytes are the terminal's,
 * without one the output is framed. Up to a mebibyte of output waits for the reader; then the command is held back.
 * The engine leaves a command running when its reader has gone; `hangUp` ends it.
 */
import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import type { Call } from '../call.ts';
import { type Clock, sleep } from '../clock/port.ts';
import { fromDockerode } from './errors.ts';
import { type Frame, frames, unframed } from './frames.ts';
import { hangUp } from './hang-up.ts';
import { checkedName } from './names.ts';
import type { ExecOptions, ExecSession } from './port.ts';
import { Queue } from './queue.ts';
import { chunksOf } from './socket.ts';
import { cancelled, within } from './within.ts';

const maxWaitingBytes = 2 ** 20;
const resizeTimeoutMs = 10_000;
const longestPollMs = 500;

/**
 * `call.timeoutMs` bounds the opening; `call.signal` closes the session whenever it aborts.
 * @throws MISSING, CONTAINER_FAILED when the container does not run
 */
export async function openExec(
  docker: Docker,
  clock: Clock,
  id: string,
  options: ExecOptions,
  call: Call,
): Promise<ExecSession> {
  const about = { op: 'docker exec', target: id };
  const { exec, socket } = await within(clock, call, about, async (signal) => {
    try {
      const exec = await docker.getContainer(checkedName(id)).exec({
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: options.tty,
        Cmd: [...options.command],
        ...(options.user !== undefined && { User: options.user }),
        ...(options.workingDir !== undefined && { WorkingDir: options.workingDir }),
        abortSignal: signal,
      });
      const socket = await exec.start({ hijack: true, stdin: true, Tty: options.tty, abortSignal: signal });
      if (signal.aborted) socket.destroy();
      return { exec, socket: socket as Duplex };
    } catch (error) {
      throw fromDockerode(error, about);
    }
  });

  // Writing to a command that has just ended breaks the socket; its exit code says more than that would.
  socket.on('error', () => {});
  const closing = new AbortController();
  const close = (how?: 'kill') => {
    if (closing.signal.aborted) return;
    closing.abort();
    socket.destroy();
    call.signal.removeEventListener('abort', hangUpNow);
    // Best effort: an engine that is away has no command to end either.
    void exec.inspect().then(
      (info) => (info.Running ? hangUp(info.Pid, info.ContainerID, how) : undefined),
      () => {},
    );
  };
  const hangUpNow = () => close();
  if (call.signal.aborted) close();
  else call.signal.addEventListener('abort', hangUpNow, { once: true });

  const output = new Queue<Frame>();
  const exitCode = follow().finally(() => call.signal.removeEventListener('abort', hangUpNow));
  // Whoever only reads the output need not look at the exit code.
  exitCode.catch(() => {});

  async function follow(): Promise<number> {
    try {
      const chunks = chunksOf(socket, closing.signal);
      let waitingBytes = 0;
      for await (const frame of options.tty ? unframed(chunks) : frames(chunks)) {
        output.push(frame);
        waitingBytes = output.waiting === 1 ? frame.bytes.length : waitingBytes + frame.bytes.length;
        if (waitingBytes > maxWaitingBytes) await output.drained();
      }
      // An engine that dies ends the socket just as a command does that is done: only the exit code tells them apart.
      const code = await codeOf();
      output.end();
      return code;
    } catch (error) {
      const failure = fromDockerode(error, about);
      if (closing.signal.aborted) output.end();
      else output.fail(failure);
      throw failure;
    }
  }

  /** The output ends a moment before the engine knows the exit code, or long before when the command closed it. */
  async function codeOf(): Promise<number> {
    for (let pauseMs = 10; ; pauseMs = Math.min(longestPollMs, pauseMs * 2)) {
      if (closing.signal.aborted) throw cancelled(about);
      const { Running, ExitCode } = await exec.inspect();
      if (!Running && ExitCode !== null) return ExitCode;
      await sleep(clock, pauseMs, closing.signal);
    }
  }

  return {
    output,
    exitCode,
    close,
    write: (bytes) =>
      new Promise((resolve) => {
        // Called back with an error as well, when the command has ended: its exit code says more.
        if (socket.writable) socket.write(bytes, () => resolve());
        else resolve();
      }),
    endInput: () => void (socket.writable && socket.end()),
    async resize(columns, rows) {
      const target = { op: 'docker exec resize', target: id };
      const bounded = { signal: closing.signal, timeoutMs: resizeTimeoutMs };
      try {
        await within(clock, bounded, target, (signal) => exec.resize({ w: columns, h: rows, abortSignal: signal }));
      } catch (error) {
        throw fromDockerode(error, target);
      }
    },
  };
}
