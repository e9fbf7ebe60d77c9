/**
 * Those who bring the bytes of an import and fetch those of an export, as the HTTP routes do. Some come late or never,
 * leave half way, or bring half of it. What they saw pass whole is remembered: an import that the lab calls finished was
 * brought whole, and whoever got an export whole has what its snapshot holds.
 */
import { idOf, type StreamId } from '#events/envelope.ts';
import { sleep, type Clock } from '#io/devices/clock/port.ts';
import { simTree } from '#io/devices/tree/sim.ts';
import type { VolumeFiles } from '#io/lab/port.ts';
import type { History } from './history.ts';
import type { Carry } from './swarm.ts';

type Files = ReadonlyMap<string, string>;
type Transfer = StreamId<'transfer'>;

interface Daemon {
  readonly files: VolumeFiles;
  isUp(): boolean;
}

export class Carriers {
  readonly #clock: Clock;
  readonly #tell: (line: string) => void;
  readonly #brought = new Set<Transfer>();
  readonly #fetched = new Map<Transfer, Files>();
  /** Ends of transfers that were judged. */
  readonly #judged = new Set<Transfer>();

  constructor(clock: Clock, tell: (line: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** What the one who asked so brings. */
  static archiveOf(command: string): Files {
    return new Map([
      ['web', `as in the archive of ${command}`],
      ['kept/deep', command],
      ['kept/large', command.repeat(2000)],
    ]);
  }

  /** @param daemon who was asked, and whether that one is alive @param command of whoever asked */
  carry(daemon: Daemon, transfer: Transfer, command: string, kind: 'import' | 'export', how: Carry): void {
    if (how === 'nobody') return;
    const done = kind === 'import' ? this.#bring(daemon, transfer, command, how) : this.#fetch(daemon, transfer, how);
    done.then(
      () => this.#tell(`${transfer} was carried (${how})`),
      (error: unknown) => this.#tell(`${transfer} was not carried (${how}): ${String(error)}`),
    );
  }

  async #bring({ files, isUp }: Daemon, transfer: Transfer, command: string, how: Carry): Promise<void> {
    const chunks = await collect(packed(Carriers.archiveOf(command)));
    const line = new AbortController();
    const half = Math.ceil(chunks.length / 2);
    const { brought, pause } = { brought: this.#brought, pause: () => this.#pause() };
    const bytes = (async function* () {
      for (const [n, chunk] of chunks.entries()) {
        if (n === half && how === 'slow') await pause();
        // A process that has died takes nothing more.
        if (!isUp()) await forEver;
        if (n === half && how === 'half') return;
        if (n === half && how === 'leaves') throw new Error('the line broke');
        yield chunk;
      }
      brought.add(transfer);
    })();
    await files.bring(idOf(transfer), bytes, line.signal);
  }

  async #fetch({ files, isUp }: Daemon, transfer: Transfer, how: Carry): Promise<void> {
    const line = new AbortController();
    const chunks: Uint8Array[] = [];
    for await (const chunk of files.fetch(idOf(transfer), line.signal)) {
      if (how === 'half' || how === 'leaves') return;
      if (how === 'slow' && chunks.length === 0) await this.#pause();
      if (!isUp()) await forEver;
      chunks.push(chunk);
    }
    this.#fetched.set(transfer, await unpacked(chunks));
  }

  #pause(): Promise<void> {
    return sleep(this.#clock, 20_000, new AbortController().signal);
  }

  /** @param held what a snapshot holds, by its identity; undefined of one that came and went unseen */
  check(history: History, held: (guid: string) => Files | undefined): string[] {
    const wrong: string[] = [];
    for (const { stream, task, state } of history.transfers) {
      if (state === 'underway' || task.do === 'restore' || this.#judged.has(stream)) continue;
      this.#judged.add(stream);
      if (state === 'failed') continue;
      if (task.do === 'import') {
        if (!this.#brought.has(stream)) wrong.push(`${stream} has finished, and nobody brought all of it`);
        continue;
      }
      const got = this.#fetched.get(stream);
      const holds = held(history.guidOf(task.snapshot) ?? '');
      if (!got) wrong.push(`${stream} has finished, and nobody got all of it`);
      else if (holds && !isSame(got, holds)) wrong.push(`${stream} gave something else than its snapshot holds`);
    }
    return wrong;
  }
}

const isSame = (one: Files, other: Files): boolean =>
  one.size === other.size && [...one].every(([path, text]) => other.get(path) === text);

const never = new AbortController().signal;
const forEver = new Promise<never>(() => {});

/** The twin of the tree device, over files that are in no pool. */
const treeOver = (files: Map<string, string>) =>
  simTree({
    filesAt: () => files,
    snapshotFilesAt: () => undefined,
    writeAt: (_, file, text) => void files.set(file, text),
  });

const packed = (files: Files): AsyncIterable<Uint8Array> => treeOver(new Map(files)).pack('', '', never);

async function unpacked(chunks: readonly Uint8Array[]): Promise<Files> {
  const files = new Map<string, string>();
  const bytes = (async function* () {
    yield* chunks;
  })();
  await treeOver(files).unpack('', bytes, { signal: never, timeoutMs: 60_000, progress: () => {} });
  // Folders are names as well.
  return new Map([...files].filter(([path]) => !path.endsWith('/')));
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return chunks;
}
