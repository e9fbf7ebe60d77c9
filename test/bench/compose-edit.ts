/** One value changed in a long compose file, beside a round trip through the library. Median of several runs. */
import { parseDocument } from 'yaml';
import { editText } from '#actors/compose/edit/edit.ts';
import { median, type Row } from './table.ts';

const lines = 5000;

const service = (n: number): string =>
  [
    `  app-${n}: # the ${n}th of them`,
    `    image: "registry.lab/app:1.${n}"`,
    '    environment:',
    ...Array.from({ length: 16 }, (_, k) => `      SETTING_${k}: 'value ${k}'`),
    '    volumes:',
    '      - data:/data',
    '    labels: { team: photos, tier: "1" }',
    '    healthcheck:',
    '      test: ["CMD", "true"]',
    '',
  ].join('\n');

export function benchComposeEdit(runs: number): Row[] {
  const text = `services:\n${Array.from({ length: lines / 25 }, (_, n) => service(n)).join('\n')}`;
  const path = ['services', 'app-77', 'image'];
  const timed = (run: () => unknown): number =>
    median(
      Array.from({ length: runs }, () => {
        const began = performance.now();
        run();
        return performance.now() - began;
      }),
    );
  const edit = timed(() => editText(text, [{ do: 'set', path, value: 'registry.lab/app:2' }]));
  const library = timed(() => {
    const document = parseDocument(text);
    document.setIn(path, 'registry.lab/app:2');
    parseDocument(String(document));
  });
  const peerIs = 'yaml: read, written and read again, which keeps no styles';
  return [
    { what: 'one value changed in a compose file of 5,000 lines', value: edit, unit: 'ms', peer: library, peerIs },
  ];
}
