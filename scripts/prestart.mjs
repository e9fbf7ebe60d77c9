/**
 * Runs before `npm start` and `npm test`: says clearly that Node.js is too old, in words that an old one understands,
 * before any newer syntax or package makes it stumble.
 */
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const wanted = numbers(engines.node.replace('>=', ''));
const found = numbers(process.versions.node);

if (found[0] < wanted[0] || (found[0] === wanted[0] && found[1] < wanted[1])) {
  console.error('FloatLab needs Node.js ' + wanted.join('.') + ' or newer; this is ' + process.version + '.');
  console.error('Get it from your distribution or from https://nodejs.org, then try again.');
  process.exit(1);
}

function numbers(version) {
  return version.split('.').slice(0, 2).map(Number);
}
