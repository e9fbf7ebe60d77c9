/**
 * The one disk of a simulated machine, with all databases and directories on it: they share its speed and its faults,
 * and one power cut hits them all.
 */
import { SimDirectory, type SimDirectoryImage } from './directory-sim.ts';
import { SimMedium, type SimMediumOptions, type WriteFault } from './sim-medium.ts';
import { SimDisk, type Crash, type SimDiskOptions, type SimImage } from './sim.ts';

export interface SimMachineImage {
  readonly databases: ReadonlyMap<string, SimImage>;
  readonly directories: ReadonlyMap<string, SimDirectoryImage>;
}

export class SimMachineDisk {
  readonly #options: SimMediumOptions;
  readonly #medium: SimMedium;
  readonly #databases = new Map<string, SimDisk>();
  readonly #directories = new Map<string, SimDirectory>();

  constructor(options: SimMediumOptions) {
    this.#options = options;
    this.#medium = new SimMedium(options);
  }

  /** Made at the first call, whose options hold. */
  database(name: string, options: Pick<SimDiskOptions, 'rotation' | 'torn'> = {}): SimDisk {
    const known = this.#databases.get(name);
    if (known) return known;
    const made = new SimDisk({ ...this.#options, ...options, medium: this.#medium });
    this.#databases.set(name, made);
    return made;
  }

  directory(name: string): SimDirectory {
    const known = this.#directories.get(name);
    if (known) return known;
    const made = new SimDirectory(this.#medium);
    this.#directories.set(name, made);
    return made;
  }

  /** Ends the process that uses the disk; `power` also loses what only the operating system had. */
  crash(kind: Crash): void {
    for (const part of this.#parts()) part.crash(kind);
  }

  /** Every call hangs, for this long or until released; also those of the next process. @returns what releases it */
  stall(forMs?: number): () => void {
    return this.#medium.stall(forMs);
  }

  /** The next write of whatever lies here fails. */
  failNextWrite(code: WriteFault): void {
    this.#medium.failNextWrite(code);
  }

  /** The next sync fails; later ones succeed, without having written what it should have. */
  failNextSync(): void {
    this.#medium.failNextSync();
  }

  /** Whether every write fails for want of room. */
  set isFull(isFull: boolean) {
    this.#medium.isFull = isFull;
  }

  /** A new disk in the place of the old one. */
  wipe(): void {
    for (const part of this.#parts()) part.wipe();
  }

  image(): SimMachineImage {
    return {
      databases: new Map([...this.#databases].map(([name, disk]) => [name, disk.image()])),
      directories: new Map([...this.#directories].map(([name, directory]) => [name, directory.image()])),
    };
  }

  /** The old disk is back. */
  restore(image: SimMachineImage): void {
    for (const [name, disk] of this.#databases) disk.restore(image.databases.get(name) ?? []);
    for (const [name, directory] of this.#directories) directory.restore(image.directories.get(name) ?? []);
  }

  #parts(): readonly (SimDisk | SimDirectory)[] {
    return [...this.#databases.values(), ...this.#directories.values()];
  }
}
