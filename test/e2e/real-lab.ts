/** The whole product on real Docker and real btrfs: the daemon with an engine of its own, and the command line. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { startOwnEngine } from '#io/daemon/engine.ts';
import { ensureWelcomeImage } from '#io/daemon/welcome-image.ts';
import { dockerOverSocket } from '#io/devices/docker/real.ts';
import type { DockerPort } from '#io/devices/docker/port.ts';
import { DaemonFixture, fetchText, freePort } from '#test/daemon-fixture.ts';
import { missingDocker, patientCall, quietLog } from '#test/engine-fixture.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';

interface RealLab {
  /** Known once the first test begins; as is all that follows. */
  readonly daemon: DaemonFixture;
  readonly docker: DockerPort;
  /** Where the page of `compose` is served. */
  readonly port: number;
  /** Of the welcome app, under the name `site`. */
  readonly compose: string;
  page(): Promise<string>;
  up(compose: string): ReturnType<DaemonFixture['cli']>;
  containers(): Promise<readonly string[]>;
}

export function describeRealLab(title: string, tests: (real: RealLab) => void): void {
  describeReal(title, missingDocker() ?? missingBtrfs(), () => {
    let daemon: DaemonFixture;
    let docker: DockerPort;
    let port: number;
    let compose: string;

    const page = (): Promise<string> => fetchText(`http://127.0.0.1:${port}/`);
    const up = (text: string) => {
      const file = join(daemon.dataDir, 'compose.yaml');
      writeFileSync(file, text);
      return daemon.cli('up', '-f', file, '--yes', '--wait');
    };
    const containers = async (): Promise<readonly string[]> =>
      (await docker.containers({}, patientCall())).map(({ name, state }) => `${name} ${state}`);

    beforeAll(async () => {
      daemon = await DaemonFixture.make(['--pool-size', '1GiB', '--no-sample']);
      port = await freePort();
      const example = readFileSync(new URL('../../examples/welcome/compose.yaml', import.meta.url), 'utf8');
      compose = example.replace('7480:8080', `${port}:8080`).replace('name: welcome', 'name: site');
      await daemon.start();
      // The daemon's own engine: found running, not started again.
      const { socketPath } = await startOwnEngine({ dataDir: daemon.dataDir, log: quietLog });
      docker = dockerOverSocket({ socketPath });
      await ensureWelcomeImage(docker, {}, patientCall());
      const signedIn = await daemon.login();
      expect(signedIn.stderr).toContain('Signed in');
    }, 120_000);
    afterAll(() => daemon.dispose(), 120_000);

    tests({
      get daemon() {
        return daemon;
      },
      get docker() {
        return docker;
      },
      get port() {
        return port;
      },
      get compose() {
        return compose;
      },
      ...{ page, up, containers },
    });
  });
}
