/**
 * The JSON schema of compose files as FloatLab reads them, for editors: which keys there are, what those of `x-floatlab`
 * mean, and what their values may be. What only the reader can judge, it judges: a variable may stand in any text.
 */
import { appExtension, propertiesOf, volumeExtension, type JsonSchema } from './extension-keys.ts';
import { serviceKeys } from './service.ts';
import { topKeys } from './top-keys.ts';
import { volumeKeys } from './volumes.ts';

const extensions: JsonSchema = { '^x-': {} };
const anything = (keys: readonly string[]): Readonly<Record<string, JsonSchema>> =>
  Object.fromEntries(keys.map((key) => [key, {}]));

/** Draft 7, which the YAML language servers of editors take. */
export const composeSchema = (): JsonSchema => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'A compose file of FloatLab',
  type: 'object',
  properties: {
    ...anything(topKeys.read),
    name: { type: 'string', description: 'name of the app' },
    services: { type: ['object', 'null'], additionalProperties: { $ref: '#/definitions/service' } },
    volumes: { type: ['object', 'null'], additionalProperties: { $ref: '#/definitions/volume' } },
    'x-floatlab': { $ref: '#/definitions/app-extension' },
  },
  patternProperties: extensions,
  additionalProperties: false,
  definitions: {
    service: {
      type: 'object',
      properties: anything(serviceKeys.read),
      patternProperties: extensions,
      additionalProperties: false,
    },
    volume: {
      type: ['object', 'null'],
      properties: { ...anything(volumeKeys.read), 'x-floatlab': { $ref: '#/definitions/volume-extension' } },
      patternProperties: extensions,
      additionalProperties: false,
    },
    'app-extension': extension(propertiesOf(appExtension)),
    'volume-extension': extension(propertiesOf(volumeExtension)),
  },
});

const extension = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: ['object', 'null'],
  properties,
  additionalProperties: false,
});
