/**
 * A directory on the simulated disk. Names and bytes are durable separately, as on real disks: a file that was made and
 * never synced may be gone after a power cut, or be there with half of its bytes.
 *
 * Calls on a handle from before a crash never resolve.
 */
import type { Directory } from './directory.ts';
import { SimDirectoryHandle } from './directory-sim-handle.ts';
import type { Crash } from './sim.ts';
import { SimFile } from './sim-file.ts';
import { never, simFailure, withFlippedBit, type SimMedium } from './sim-medium.ts';

/** All files of a directory at one moment. */
export type SimDirectoryImage = readonly (readonly [name: string, bytes: Uint8Array])[];

export class SimDirectory {
  readonly #medium: SimMedium;
  #files = new Map<string, SimFile>();
  /** What the disk itself knows of names. */
  #durable = new Map<string, SimFile>();
  #handles = new Set<SimDirectoryHandle>();
  /** Changes that calls under way are about to make. */
  #underWay = new Set<() => void>();

  constructor(medium: SimMedium) {
    this.#medium = medium;
  }

  open(): Directory {
    const handle = new SimDirectoryHandle({
      files: () => this.#files,
      delay: () => this.#medium.delay(),
      change: (doing, change) => this.#change(doing, change),
      write: (file, offset, bytes) => file.write(offset, bytes),
      put: (name, file) => this.#put(name, file),
      sync: (name, file) => this.#sync(name, file),
      closed: (closed) => this.#handles.delete(closed),
    });
    this.#handles.add(handle);
    return handle;
  }

  /** Ends the process that uses it; `power` also loses what only the operating system had. */
  crash(kind: Crash): void {
    for (const handle of this.#handles) handle.kill();
    this.#handles.clear();
    this.#medium.forgetFaults();
    const underWay = [...this.#underWay];
    this.#underWay.clear();
    for (const change of underWay) if (this.#medium.chance(0.5)) change();
    if (kind === 'process') return;
    for (const [name, file] of this.#files) {
      if (!this.#durable.has(name) && this.#medium.chance(0.5)) this.#durable.set(name, file);
    }
    for (const file of new Set(this.#durable.values())) file.powerCut(this.#medium);
    this.#files = new Map(this.#durable);
  }

  /** Flips one bit of a file: of this one, or any. @returns false when there is none with a byte */
  flipBit(name?: string): boolean {
    const file = this.#pick(name);
    file?.become(withFlippedBit(file.bytes, this.#medium.below(file.bytes.length * 8)));
    return file !== undefined;
  }

  /**
   * A sector of a file, of this one or any, cannot be read any more: the one with this byte, or any.
   * @returns false when there is none with a byte
   */
  makeUnreadable(name?: string, at?: number): boolean {
    const file = this.#pick(name);
    file?.makeUnreadable(at ?? this.#medium.below(file.bytes.length));
    return file !== undefined;
  }

  /** A file loses its end: this one, or any; this many bytes, or any number. @returns false when there is none with a byte */
  cutTail(name?: string, bytes?: number): boolean {
    const file = this.#pick(name);
    if (!file) return false;
    const lost = bytes ?? 1 + this.#medium.below(file.bytes.length);
    file.become(file.bytes.slice(0, Math.max(0, file.bytes.length - lost)));
    return true;
  }

  /** A sector of a file also landed at another place, of the same or another one. @returns false when there is nothing to write */
  misdirect(): boolean {
    const from = this.#pick();
    const to = this.#pick();
    if (!from || !to) return false;
    const sector = 512;
    const at = (file: SimFile): number => sector * this.#medium.below(Math.ceil(file.bytes.length / sector));
    const start = at(from);
    const bytes = from.bytes.slice(start, start + sector);
    const changed = to.bytes.slice();
    const target = at(to);
    changed.set(bytes.subarray(0, changed.length - target), target);
    to.become(changed);
    return true;
  }

  /** A file is gone: this one, or any. @returns false when there is none */
  lose(name?: string): boolean {
    const lost = name ?? this.#medium.pick([...this.#files.keys()]);
    if (lost === undefined || !this.#files.has(lost)) return false;
    this.#files.delete(lost);
    this.#durable.delete(lost);
    return true;
  }

  wipe(): void {
    this.restore([]);
  }

  /** As a process would see it now. */
  image(): SimDirectoryImage {
    return [...this.#files].map(([name, file]) => [name, file.bytes.slice()] as const);
  }

  /** Puts an image back, in the place of everything. */
  restore(image: SimDirectoryImage): void {
    this.#files = new Map(image.map(([name, bytes]) => [name, new SimFile(bytes.slice())]));
    this.#durable = new Map(this.#files);
  }

  #pick(name?: string): SimFile | undefined {
    if (name !== undefined) {
      const file = this.#files.get(name);
      return file && file.bytes.length > 0 ? file : undefined;
    }
    return this.#medium.pick([...this.#files.values()].filter(({ bytes }) => bytes.length > 0));
  }

  /** Makes a change when its time has come; or fails, and nobody knows how far it came. */
  async #change(doing: string, change: () => void): Promise<void> {
    const delay = this.#medium.delay();
    if (delay) {
      this.#underWay.add(change);
      await delay;
      // A crash has decided about it.
      if (!this.#underWay.delete(change)) return never();
    }
    const fault = this.#medium.takeWriteFault();
    if (!fault) return change();
    if (this.#medium.chance(0.5)) change();
    throw simFailure(`${doing} on the simulated disk`, fault);
  }

  #put(name: string, file: SimFile | undefined): void {
    for (const names of [this.#files, this.#durable]) {
      if (file) names.set(name, file);
      else names.delete(name);
    }
  }

  #sync(name: string, file: SimFile): void {
    if (this.#medium.takeSyncFault()) {
      file.failSync();
      throw simFailure(`sync ${name} on the simulated disk`, 'EIO');
    }
    file.sync();
    this.#durable.set(name, file);
  }
}
