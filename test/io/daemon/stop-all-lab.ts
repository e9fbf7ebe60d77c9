/** A daemon with an app of two services, and `--stop-all` on its data directory. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { welcomeImage } from '#io/daemon/welcome-image.ts';
import { type DaemonFixture, fetchText } from '#test/daemon-fixture.ts';

const exec = promisify(execFile);
const program = fileURLToPath(new URL('../../../bin/floatlabd.js', import.meta.url));

interface Stopped {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function stopAll(dataDir: string): Promise<Stopped> {
  return exec(process.execPath, [program, '--data', dataDir, '--stop-all'], { timeout: 100_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => error as Stopped,
  );
}

/** Two services, of which one needs the other, and neither asks to be started again. */
const compose = (port: number): string => `name: site
services:
  web:
    image: ${welcomeImage}
    ports: ['${port}:8080']
    volumes: ['pages:/srv']
    depends_on: [helper]
  helper:
    image: ${welcomeImage}
volumes:
  pages:
x-floatlab:
  size: 64MiB
`;

export async function deploy(daemon: DaemonFixture, port: number): Promise<void> {
  expect((await daemon.login()).stderr).toContain('Signed in');
  const file = join(daemon.dataDir, 'compose.yaml');
  writeFileSync(file, compose(port));
  const ran = await daemon.cli('up', '-f', file, '--yes', '--wait');
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
}

export const page = (port: number): Promise<string> => fetchText(`http://127.0.0.1:${port}/`);
