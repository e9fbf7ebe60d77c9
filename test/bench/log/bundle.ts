/** The programs of the benchmark as they would be installed: bundled, without a compiler in their processes. */
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface Programs {
  readonly member: string;
  readonly client: string;
  readonly etcdClient: string;
}

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export async function bundlePrograms(into: string): Promise<Programs> {
  const programs = { client: source('./client.ts'), 'etcd-client': source('./etcd-client.ts') };
  const { member = '', client = '', 'etcd-client': etcdClient = '' } = await bundleWithMember(into, programs);
  return { member, client, etcdClient };
}

/** The member of a group, and what a benchmark has besides. @returns their paths, by name */
export async function bundleWithMember(
  into: string,
  programs: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  await build({
    entryPoints: {
      member: source('./member.ts'),
      // Beside the member, by this name: that is where it looks for its thread.
      consensus: source('../../../src/io/log/raft/thread/worker.ts'),
      ...programs,
    },
    outdir: into,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
  });
  await writeFile(join(into, 'package.json'), '{ "type": "module" }');
  await symlink(source('../../../node_modules'), join(into, 'node_modules'));
  return Object.fromEntries(['member', ...Object.keys(programs)].map((name) => [name, join(into, `${name}.js`)]));
}
