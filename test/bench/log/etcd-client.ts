/** A client of etcd as a process: puts over one connection to the leader. */
import { Etcd3 } from 'etcd3';
import { measure, valueBytes, type Load } from './load.ts';
import { answerCalls } from './answer.ts';

let client: Etcd3 | undefined;
const value = Buffer.alloc(valueBytes, 'x');

async function start(endpoints: readonly string[]): Promise<string> {
  for (const hosts of endpoints) {
    const candidate = new Etcd3({ hosts });
    const { leader, header } = await candidate.maintenance.status();
    if (leader === header.member_id) {
      client = candidate;
      return hosts;
    }
    candidate.close();
  }
  throw new Error('none of the etcd members leads');
}

async function put(writer: number): Promise<void> {
  if (!client) throw new Error('the client was not started');
  await client.kv.put({ key: Buffer.from(`bench/${writer}`), value });
}

answerCalls({ start, measure: (load: Load) => measure(load, put) }, async () => client?.close());
