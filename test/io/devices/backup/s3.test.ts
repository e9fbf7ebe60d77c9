import { MockAgent } from 'undici';
import { describe, expect, test } from 'vitest';
import { S3Client } from '#io/devices/backup/store/s3/client.ts';
import { bucketUrl, s3Settings } from '#io/devices/backup/store/s3/settings.ts';
import { parseError, parseList } from '#io/devices/backup/store/s3/xml.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { VirtualClock } from '../../stores/virtual-clock.ts';
import { signal } from './repositories.ts';

const settings = s3Settings.parse({
  endpoint: 'https://s3.amazonaws.com',
  region: 'us-east-1',
  bucket: 'examplebucket',
  style: 'virtual',
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
});

describe('requests', () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, examples 3 and 4.
  test.each([
    [{ lifecycle: '' }, 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
    [{ 'max-keys': '2', prefix: 'J' }, '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'],
  ])('are signed as Amazon does: %j', async (query, signature) => {
    const agent = new MockAgent();
    agent.disableNetConnect();
    let said = '';
    agent
      .get('https://examplebucket.s3.amazonaws.com')
      .intercept({ path: () => true, method: 'GET' })
      .reply(200, ({ headers }) => {
        said = String((headers as Record<string, string>)['authorization']);
        return '';
      });
    const clock = new VirtualClock();
    clock.now = () => Date.UTC(2013, 4, 24);
    const client = new S3Client(settings, { clock, random: seededRandom(1), dispatcher: agent });
    await client.call({ op: 'list', method: 'GET', query }, signal);
    expect(said.split('Signature=')[1]).toBe(signature);
    await agent.close();
  });

  test('go to the bucket as the style says', () => {
    expect(bucketUrl(settings)).toBe('https://examplebucket.s3.amazonaws.com');
    const path = { ...settings, style: 'path' as const, endpoint: 'http://[::1]:9000' };
    expect(bucketUrl(path)).toBe('http://[::1]:9000/examplebucket');
  });

  test.each([
    { endpoint: 'ftp://x' },
    { endpoint: 'https://x/path' },
    { endpoint: 'https://user:pass@x' },
    { bucket: 'Not_A_Bucket' },
    { bucket: '../x' },
    { prefix: '/x' },
    { prefix: 'x/' },
    { region: 'eu central' },
    { other: 1 },
  ])('with settings that cannot be right are refused: %j', (wrong) => {
    expect(s3Settings.safeParse({ ...settings, ...wrong }).success).toBe(false);
  });
});

describe('answers', () => {
  const object =
    '<Contents><Key>p/a</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;x&quot;</ETag><Size>7</Size></Contents>';
  const list = (inside: string) =>
    `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</ListBucketResult>`;

  test('with a page of a list, and where the next one begins', () => {
    const page = list(
      `<IsTruncated>true</IsTruncated>${object}<NextContinuationToken>a&amp;b=</NextContinuationToken>`,
    );
    const found = { key: 'p/a', sizeBytes: 7, modifiedAt: Date.UTC(2026, 0, 2, 3, 4, 5) };
    expect(parseList(page)).toEqual({ objects: [found], next: 'a&b=' });
    expect(parseList(list(`<IsTruncated>false</IsTruncated>${object}`))).toEqual({ objects: [found], next: undefined });
  });

  test.each([
    '',
    '<html>login</html>',
    list(object).slice(0, -10),
    list('<IsTruncated>true</IsTruncated>'),
    list(object.replace('<Size>7</Size>', '')),
    list(object.replace('>7<', '>-7<')),
    list(object.replace('2026', 'x')),
    list('<IsTruncated>perhaps</IsTruncated>'),
  ])('that are no list are not guessed at: %s', (xml) => {
    expect(parseList(xml)).toBeUndefined();
  });

  test('that say why not', () => {
    const xml = '<Error><Code>NoSuchBucket</Code><Message>The bucket &lt;x&gt; is not there</Message></Error>';
    expect(parseError(xml)).toEqual({ code: 'NoSuchBucket', message: 'The bucket <x> is not there' });
    expect(parseError('oops')).toEqual({});
  });
});
