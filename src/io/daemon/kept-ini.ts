/** `node.ini` as it is now, while the daemon runs: what changes of it is written before it counts, one change at a time. */
import { writeNodeIni, type NodeIni } from './node-ini.ts';

export class KeptIni {
  readonly #dataDir: string;
  #now: NodeIni;
  #writing: Promise<void> = Promise.resolve();

  constructor(dataDir: string, ini: NodeIni) {
    this.#dataDir = dataDir;
    this.#now = ini;
  }

  get now(): NodeIni {
    return this.#now;
  }

  /** Durable once resolved. @throws IoError, and then nothing has changed */
  changeAdmin(change: (admin: NodeIni['admin']) => NodeIni['admin']): Promise<void> {
    const written = this.#writing.then(async () => {
      const next = { ...this.#now, admin: change(this.#now.admin) };
      await writeNodeIni(this.#dataDir, next);
      this.#now = next;
    });
    this.#writing = written.catch(() => {});
    return written;
  }
}
