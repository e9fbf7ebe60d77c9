import { expect, test } from 'vitest';
import { checkImage } from '#actors/compose/image.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

test.each([
  'nginx',
  'nginx:1.27',
  'library/nginx',
  'ghcr.io/owner/app:v2',
  'localhost/app',
  'localhost:5000/app:1',
  'registry.lab:5000/a/b/c:1',
  'my_app__x/some-thing--else.v1',
  '[::1]:5000/app',
  '192.168.1.4:5000/app',
  `nginx@${digest}`,
  `ghcr.io/owner/app:v2@${digest}`,
  'REGISTRY.lab/app',
  'a:Tag_1.2-x',
])('%s is an image', (image) => expect(checkImage(image)).toBeUndefined());

test.each([
  ['Nginx', 'capital letters'],
  ['lab/Nginx', 'capital letters'],
  ['nginx:', 'tag'],
  ['nginx:-x', 'tag'],
  [`nginx:${'x'.repeat(129)}`, 'tag'],
  ['nginx@sha256:123', 'digest'],
  [`nginx@${digest}@${digest}`, 'digest'],
  ['nginx latest', 'space'],
  ['nginx\n', 'space'],
  ['/nginx', 'not valid'],
  ['nginx/', 'not valid'],
  ['a//b', 'not valid'],
  ['../nginx', 'registry'],
  ['-nginx', 'not valid'],
  ['_nginx', 'not valid'],
  ['a___b', 'not valid'],
  ['http://a/b', 'not valid'],
  ['reg:port/app', 'registry'],
  ['ngіnx', 'not valid'],
  ['0'.repeat(64), 'id of an image'],
  [`${'a/'.repeat(150)}a`, 'longer'],
  ['a'.repeat(600), 'longer'],
])('%s is not: its %s', (image, why) => expect(checkImage(image)).toContain(why));
