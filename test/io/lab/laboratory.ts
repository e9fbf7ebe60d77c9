/** A lab on simulated disks, which can be closed and opened again. */
import { pino } from 'pino';
import { realClock } from '#io/devices/clock/real.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { RunningLab } from '#io/lab/running.ts';
import { StateDatabase } from '#io/lab/state.ts';
import type { EventLog } from '#io/log/port.ts';
import { openSingleLog } from '#io/log/single/open.ts';
import { storeWatermark } from '#io/log/single/watermark.ts';
import { memoryBlobs } from '#io/stores/blobs.ts';
import { SimDisk } from '#io/stores/sim.ts';

export class Laboratory {
  readonly #disk = () => new SimDisk({ clock: realClock, random: seededRandom(1), latencyMs: 0 });
  readonly #log = this.#disk();
  readonly #mark = this.#disk();
  #state = this.#disk();
  #commands = 0;

  /** Everything is folded again at the next start. */
  loseState(): void {
    this.#state = this.#disk();
  }

  async open(): Promise<{ readonly lab: RunningLab; readonly eventLog: EventLog; close(): Promise<void> }> {
    for (const disk of [this.#log, this.#mark, this.#state]) disk.crash('process');
    const state = new StateDatabase(this.#state.open(), 'boot');
    const folded = await state.load();
    const eventLog = await openSingleLog({
      store: this.#log.open(),
      watermark: storeWatermark(this.#mark.open()),
      heads: folded.lab.versions(),
      headsAt: folded.lab.index,
      clock: realClock,
      random: seededRandom(2),
    });
    const lab = await RunningLab.open({
      eventLog,
      state,
      folded,
      blobs: memoryBlobs(),
      clock: realClock,
      random: seededRandom(3),
      log: pino({ level: 'silent' }),
      onBroken: (error) => {
        throw error;
      },
    });
    const close = async (): Promise<void> => {
      await lab.close();
      await eventLog.close();
      await state.close();
    };
    if (lab.index === 0) await this.must(lab, 'create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
    return { lab, eventLog, close };
  }

  /** @throws when the command is refused */
  async must(lab: RunningLab, name: string, input: object, by: Parameters<RunningLab['run']>[0]['by'] = 'user:admin') {
    const id = `command-${this.#commands++}`;
    const answer = await lab.run({ id, name, input, by }, new AbortController().signal);
    if ('rejected' in answer) throw new Error(`${name}: ${answer.rejected.explain}`);
    return answer;
  }
}

export const facts = {
  architecture: 'x64',
  cpus: 2,
  memoryBytes: 2 ** 32,
  os: 'Debian 12',
  kernel: '6.1',
  engine: null,
  pools: [],
  version: 'test',
};
