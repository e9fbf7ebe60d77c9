/**
 * Operational log: JSON lines on stderr; on a terminal, where a person reads, in `floatlabd.log` of the data directory.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import type { Settings } from './settings.ts';

export const logFile = 'floatlabd.log';

export function makeLogger(settings: Settings): { log: Logger; flush(): void } {
  const isPerson = process.stderr.isTTY && settings.simulate === undefined;
  if (isPerson) mkdirSync(settings.dataDir, { recursive: true });
  const destination = pino.destination({ dest: isPerson ? join(settings.dataDir, logFile) : 2, sync: true });
  const quiet = settings.simulate !== undefined && settings.logLevel === 'info' ? 'warn' : settings.logLevel;
  const redact = ['*.password', '*.token', '*.content', '*.passwordHash', 'password', 'token'];
  const log = pino({ level: quiet, redact, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  return { log, flush: () => destination.flushSync() };
}
