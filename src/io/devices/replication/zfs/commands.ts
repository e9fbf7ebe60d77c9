/** The commands of replication that the driver of volumes has no use for: arguments in, values or an IoError out. */
import type { Ran, RunCommand } from '../../run.ts';
import type { Deadline } from '../../volumes/deadline.ts';
import { commandError } from '../../volumes/zfs/errors.ts';
import { graceOf } from '../../volumes/zfs/grace.ts';
import { streamError } from './errors.ts';
import { parseEstimate, parseStreamTools, parseToken, type StreamTools } from './parse.ts';

export interface StreamCommands {
  tools(): Promise<StreamTools>;
  /** Of one that is held so already: done. */
  hold(tag: string, snapshot: string): Promise<void>;
  release(tag: string, snapshot: string): Promise<void>;
  bookmark(snapshot: string, bookmark: string): Promise<void>;
  destroyBookmark(bookmark: string): Promise<void>;
  /** Gives up what was received in part. */
  abort(dataset: string): Promise<void>;
  /** Takes the dataset back to its newest snapshot; fails when it is not the newest. */
  rollback(snapshot: string): Promise<void>;
  estimate(send: readonly string[]): Promise<number | undefined>;
  /** @returns the guid of the snapshot that a resumed stream makes @throws IoError TOKEN_DEAD */
  tokenOf(token: string): Promise<string | undefined>;
}

export function streamCommands(run: RunCommand, target: string, within: Deadline): StreamCommands {
  const attempt = (...args: readonly string[]): Promise<Ran> => {
    within.check();
    const { signal, timeoutMs } = within;
    return run('zfs', args, { signal, timeoutMs, target, graceMs: graceOf('zfs', args) });
  };
  /** @param fine what it may say and have done well */
  const must = async (args: readonly string[], fine?: RegExp): Promise<Ran> => {
    const ran = await attempt(...args);
    if (ran.exitCode !== 0 && !fine?.test(ran.stderr)) throw commandError(`zfs ${args[0]}`, target, ran);
    return ran;
  };
  return {
    async tools() {
      const known = toolsOf.get(run);
      if (known) return known;
      const { stdout, stderr } = await attempt();
      const tools = parseStreamTools(`${stdout}\n${stderr}`);
      toolsOf.set(run, tools);
      return tools;
    },
    async hold(tag, snapshot) {
      await must(['hold', tag, snapshot], /tag already exists/);
    },
    async release(tag, snapshot) {
      await must(['release', tag, snapshot], /no such tag|does not exist/);
    },
    async bookmark(snapshot, bookmark) {
      await must(['bookmark', snapshot, bookmark], /bookmark exists|already exists/);
    },
    async destroyBookmark(bookmark) {
      await must(['destroy', bookmark], /does not exist|could not find/);
    },
    async abort(dataset) {
      await must(['receive', '-A', dataset], /does not have any resumable receive state|does not exist/);
    },
    async rollback(snapshot) {
      await must(['rollback', snapshot]);
    },
    async estimate(send) {
      const ran = await attempt('send', '-n', '-v', '-P', ...send);
      return ran.exitCode === 0 ? parseEstimate(`${ran.stdout}\n${ran.stderr}`) : undefined;
    },
    async tokenOf(token) {
      const ran = await attempt('send', '-n', '-v', '-t', token);
      if (ran.exitCode !== 0) throw streamError('zfs send', target, ran);
      return parseToken(`${ran.stdout}\n${ran.stderr}`);
    },
  };
}

/** What the tools can does not change while they run; another `run` is another machine. */
const toolsOf = new WeakMap<RunCommand, StreamTools>();
