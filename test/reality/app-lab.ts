/**
 * Three real machines, of which the last one alone has an engine and a pool. So an app runs there, and whoever asks one of
 * the others about it asks through the links between nodes.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Docker from 'dockerode';
import { sharedEngine } from '#test/engine-fixture.ts';
import { tempPool } from '#test/pool-fixture.ts';
import { RealLab } from './lab.ts';
import type { Machine } from './machine.ts';

const MiB = 2 ** 20;

export interface AppLab {
  readonly lab: RealLab;
  /** Whom people ask: it runs nothing itself. */
  readonly entry: Machine;
  /** Where the apps are. */
  readonly host: Machine;
  /** A private folder. */
  readonly folder: string;
  /** Of the engine. */
  readonly socketPath: string;
  /** Types it at the entry, and expects that it goes well. */
  floatlab(...args: readonly string[]): Promise<string>;
  /** Brings an app to this compose file. */
  up(compose: string): Promise<string>;
  /** Ends all that runs in the engine, as when its machine goes off. */
  endContainers(): Promise<void>;
  dispose(): Promise<void>;
}

export async function appLab(): Promise<AppLab> {
  const { socketPath } = await sharedEngine();
  const pool = await tempPool({ sizeBytes: 1024 * MiB });
  const lab = await RealLab.make(3, {
    prepare: async (machine) => {
      if (machine.number === 3) machine.settings = ['--engine', socketPath, '--pool', `tank=${pool.mountpoint}`];
    },
  }).catch(async (error: unknown) => {
    await pool.dispose();
    throw error;
  });
  const [, entry, host] = lab.machines as [Machine, Machine, Machine];
  const floatlab = (...args: readonly string[]): Promise<string> => lab.tells(entry, ...args);
  const endContainers = async (): Promise<void> => {
    const engine = new Docker({ socketPath });
    for (const { Id } of await engine.listContainers({ all: true })) {
      await engine.getContainer(Id).remove({ force: true, v: true });
    }
  };
  return {
    ...{ lab, entry, host, folder: pool.folder, socketPath, floatlab, endContainers },
    async up(compose) {
      const file = join(pool.folder, 'compose.yaml');
      await writeFile(file, compose);
      return floatlab('up', '-f', file, '--yes', '--wait');
    },
    async dispose() {
      await lab[Symbol.asyncDispose]();
      // What still runs holds the pool.
      await endContainers();
      await pool.dispose();
    },
  };
}
