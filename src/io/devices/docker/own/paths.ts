/**
 * Where an engine of our own keeps its things.
 *
 * Its data live below the data directory of FloatLab. Its sockets do not: the kernel allows 108 bytes for the path of
 * a socket, so they are in a folder below `/run` whose name is derived from that directory. It is gone after a
 * reboot, as its process is.
 */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';

export interface EnginePaths {
  /** Everything that lasts. */
  readonly home: string;
  readonly dataRoot: string;
  /** Settings that a person may add, such as registry mirrors; written once and then left alone. */
  readonly configFile: string;
  readonly log: string;
  /** Everything that lasts until the next boot. */
  readonly runtime: string;
  readonly execRoot: string;
  readonly socket: string;
  readonly pidFile: string;
  readonly containerdConfig: string;
  readonly containerdSocket: string;
  readonly containerdPidFile: string;
  /** Name of the bridge for an engine that cannot have `docker0`; 15 characters at most. */
  readonly bridge: string;
  /** A number below 2^32 that is this engine's alone, almost surely. */
  readonly number: number;
}

/** @param dataDir the data directory of FloatLab, without symbolic links */
export function enginePaths(dataDir: string): EnginePaths {
  const hash = createHash('sha256').update(resolve(dataDir)).digest();
  const id = hash.toString('hex').slice(0, 8);
  const home = resolve(dataDir, 'engine');
  const runtime = `/run/floatlab-${id}`;
  const execRoot = `${runtime}/exec`;
  return {
    home,
    dataRoot: `${home}/root`,
    configFile: `${home}/daemon.json`,
    log: `${home}/engine.log`,
    runtime,
    execRoot,
    socket: `${runtime}/engine.sock`,
    pidFile: `${runtime}/engine.pid`,
    containerdConfig: `${execRoot}/containerd/containerd.toml`,
    containerdSocket: `${execRoot}/containerd/containerd.sock`,
    containerdPidFile: `${execRoot}/containerd/containerd.pid`,
    bridge: `fl-${id}`,
    number: hash.readUInt32BE(4),
  };
}
