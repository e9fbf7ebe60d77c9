/** What a real engine says of a command that cannot begin is what the command line listens for. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DockerPort } from '#io/devices/docker/port.ts';
import { ExecStart } from '#ui/cli/exec-start.ts';
import { missingDocker, patientCall, sharedEngine } from '#test/engine-fixture.ts';
import { describeReal } from '#test/real.ts';

describeReal('a command in a real container', missingDocker(), () => {
  const run = `exec-start-${process.pid}`;
  const labels = { 'floatlab.test': run };
  let docker: DockerPort;
  let id: string;

  beforeAll(async () => {
    const engine = await sharedEngine();
    docker = engine.docker;
    await docker.ensureNetwork({ name: run, labels }, patientCall());
    const idle = { environment: [], ports: [], mounts: [] };
    const command = ['sleep', '600'];
    id = await docker.create(
      { name: run, image: engine.image, command, networks: [{ name: run }], labels, ...idle },
      patientCall(),
    );
    await docker.start(id, patientCall());
  }, 120_000);
  afterAll(async () => {
    for (const container of await docker.containers(labels, patientCall()))
      await docker.remove(container.id, patientCall());
    await docker.removeNetwork(run, labels, patientCall());
  });

  async function play(command: readonly string[], tty: boolean) {
    const session = await docker.exec(id, { command, tty }, patientCall());
    // As on a terminal: its input ends with the person.
    if (!tty) session.endInput();
    const start = new ExecStart();
    let shown = '';
    for await (const { stream, bytes } of session.output) {
      for (const piece of start.pass(stream, bytes)) shown += Buffer.from(piece.bytes).toString();
    }
    const code = await session.exitCode;
    const failure = start.failure(code, command[0] ?? '', 'photos', 'web');
    for (const piece of start.rest()) if (!failure) shown += Buffer.from(piece.bytes).toString();
    return { code: failure?.exitCode ?? code, error: failure?.code, shown };
  }

  test.each([false, true])('ends with 127, 126 or as it ends itself, with a terminal: %s', async (tty) => {
    expect(await play(['no-such-command'], tty)).toEqual({ code: 127, error: 'COMMAND_NOT_FOUND', shown: '' });
    expect(await play(['/no/such/command'], tty)).toEqual({ code: 127, error: 'COMMAND_NOT_FOUND', shown: '' });
    expect(await play(['/etc/hostname'], tty)).toEqual({ code: 126, error: 'COMMAND_NOT_EXECUTABLE', shown: '' });
    expect(await play(['sh', '-c', 'exit 126'], tty)).toEqual({ code: 126, error: undefined, shown: '' });
    expect(await play(['sh', '-c', 'printf hello; exit 3'], tty)).toEqual({
      code: 3,
      error: undefined,
      shown: 'hello',
    });
  });
});
