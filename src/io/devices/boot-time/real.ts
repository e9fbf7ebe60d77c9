/** Boot time of this machine, from `/proc/uptime`. The file stays open: reading it then takes two microseconds. */
import { openSync, readSync } from 'node:fs';
import { IoError } from '../error.ts';
import { parseUptime } from './parse.ts';
import type { BootTime } from './port.ts';

const path = '/proc/uptime';
const buffer = Buffer.alloc(64);
let file: number | undefined;

/** @throws IoError FAILED where the machine does not say it */
export const realBootTime: BootTime = {
  nowMs: () => {
    const nowMs = parseUptime(read());
    if (nowMs === undefined) throw unreadable(undefined);
    return nowMs;
  },
};

function read(): string {
  try {
    file ??= openSync(path, 'r');
    return buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
  } catch (error) {
    throw unreadable(error);
  }
}

const unreadable = (cause: unknown): IoError =>
  new IoError('FAILED', {
    op: 'read the boot time',
    target: path,
    message: `${path} does not say how long the machine has been up`,
    hint: 'Mount /proc: leases between nodes are measured by it.',
    cause,
  });
