import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { commandSchemas } from '#actors/commands.ts';
import { bodySchema, pathParams, routes } from '#io/contract/routes.ts';
import { openApiDocument } from '#io/http/openapi.ts';
import { send, startServer } from './test-server.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- a document without a type
const document = openApiDocument() as any;

/** What of OpenAPI 3.1 this document uses, and nothing else. */
const shape = {
  $defs: {
    schema: { type: 'object' },
    media: {
      type: 'object',
      minProperties: 1,
      additionalProperties: {
        type: 'object',
        required: ['schema'],
        properties: { schema: { $ref: '#/$defs/schema' } },
        additionalProperties: false,
      },
    },
    header: { type: 'object', required: ['description', 'schema'] },
    response: {
      oneOf: [
        {
          type: 'object',
          required: ['$ref'],
          properties: { $ref: { type: 'string', pattern: '^#/components/responses/' } },
          additionalProperties: false,
        },
        {
          type: 'object',
          required: ['description'],
          properties: {
            description: { type: 'string', minLength: 1 },
            headers: { type: 'object', additionalProperties: { $ref: '#/$defs/header' } },
            content: { $ref: '#/$defs/media' },
          },
          additionalProperties: false,
        },
      ],
    },
    parameter: {
      type: 'object',
      required: ['name', 'in', 'required', 'schema'],
      properties: {
        name: { type: 'string' },
        in: { enum: ['path', 'query', 'header'] },
        required: { type: 'boolean' },
        description: { type: 'string' },
        schema: { $ref: '#/$defs/schema' },
      },
      if: { properties: { in: { const: 'path' } } },
      // oxlint-disable-next-line unicorn/no-thenable -- a word of JSON Schema
      then: { properties: { required: { const: true } } },
      else: { required: ['description'] },
      additionalProperties: false,
    },
    operation: {
      type: 'object',
      required: ['operationId', 'summary', 'tags', 'parameters', 'responses'],
      properties: {
        operationId: { type: 'string', pattern: '^[a-z]+(-[a-z]+)*$' },
        summary: { type: 'string', minLength: 3 },
        tags: { type: 'array', minItems: 1, maxItems: 1 },
        security: { type: 'array', maxItems: 0 },
        parameters: { type: 'array', items: { $ref: '#/$defs/parameter' } },
        requestBody: {
          type: 'object',
          required: ['required', 'content'],
          properties: { required: { type: 'boolean' }, content: { $ref: '#/$defs/media' } },
          additionalProperties: false,
        },
        responses: {
          type: 'object',
          minProperties: 2,
          patternProperties: { '^[2-5]\\d\\d$': { $ref: '#/$defs/response' } },
          additionalProperties: false,
        },
      },
      additionalProperties: false,
    },
  },
  type: 'object',
  required: ['openapi', 'info', 'paths', 'components', 'tags', 'servers', 'security'],
  properties: {
    openapi: { const: '3.1.0' },
    info: { type: 'object', required: ['title', 'version'] },
    paths: {
      type: 'object',
      patternProperties: {
        '^/': {
          type: 'object',
          patternProperties: { '^(get|post|put|patch|delete)$': { $ref: '#/$defs/operation' } },
          additionalProperties: false,
        },
      },
      additionalProperties: false,
    },
    components: { type: 'object', required: ['schemas', 'responses', 'securitySchemes'] },
  },
};

// oxlint-disable-next-line typescript/no-explicit-any -- a document without a type
const operations: [string, string, any][] = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item as object).map(([method, operation]) => [path, method, operation] as [string, string, unknown]),
);

describe('the OpenAPI document', () => {
  test('has every route and no other', () => {
    expect(operations.map(([path, method, { operationId }]) => `${method} ${path} ${operationId}`).toSorted()).toEqual(
      routes.map(({ method, path, id }) => `${method} ${path} ${id}`).toSorted(),
    );
    expect(new Set(operations.map(([, , { operationId }]) => operationId)).size).toBe(routes.length);
  });

  test('has the shape of OpenAPI 3.1', () => {
    const validate = new Ajv2020({ strict: false }).compile(shape);
    validate(document);
    expect(validate.errors).toBeNull();
  });

  test('refers to nothing that is not there, and its schemas are schemas', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'openapi', ...document });
    const found: string[] = [];
    JSON.stringify(document, (key, value: unknown) => {
      if (key === '$ref') found.push(String(value));
      if (key === 'schema' && !JSON.stringify(value).includes('$ref')) ajv.compile(value as object);
      return value;
    });
    for (const name of Object.keys(document.components.schemas))
      expect(ajv.getSchema(`openapi#/components/schemas/${name}`)).toBeTypeOf('function');
    expect(found.length).toBeGreaterThan(100);
    for (const reference of new Set(found)) {
      const target = reference
        .slice(2)
        .split('/')
        .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], document);
      expect([reference, typeof target]).toEqual([reference, 'object']);
    }
  });

  test('describes every path parameter, body and filter of the table', () => {
    for (const route of routes) {
      const operation = document.paths[route.path][route.method];
      const named = (place: string) =>
        operation.parameters
          .filter((parameter: { in: string }) => parameter.in === place)
          .map(({ name }: { name: string }) => name);
      expect(named('path')).toEqual(pathParams(route.path));
      expect([route.id, operation.requestBody !== undefined]).toEqual([route.id, bodySchema(route) !== undefined]);
      if ('view' in route.action)
        expect(named('query')).toEqual([
          ...route.action.filters,
          'at',
          'stale',
          ...(route.action.one ? [] : ['limit', 'cursor']),
        ]);
      if ('command' in route.action) expect(named('query')).toContain('dryRun');
      expect(operation.security).toEqual('special' in route.action && route.action.open ? [] : undefined);
      // Every problem that is told is a problem.
      for (const [status, response] of Object.entries(operation.responses)) {
        if (Number(status) >= 400) expect((response as { $ref: string }).$ref).toMatch(/^#\/components\/responses\//);
      }
    }
    const remove = document.paths['/api/v1/apps/{namespace}/{name}'].delete;
    expect(remove.parameters.find(({ name }: { name: string }) => name === 'withVolumes').schema).toMatchObject({
      type: 'boolean',
    });
  });

  test('accepts what the commands accept', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const body = (path: string, method: string) =>
      ajv.compile(document.paths[path][method].requestBody.content['application/json'].schema);
    const deploy = body('/api/v1/apps', 'post');
    for (const [input, isGood] of [
      [{ compose: 'x' }, true],
      [{ compose: 'x', name: 'a', files: { 'a/b': { content: 'eA==' } } }, true],
      [{ name: 'a' }, false],
      [{ compose: 'x', name: 'A' }, false],
      [{ compose: 'x', other: 1 }, false],
    ] as const) {
      expect([input, deploy(input)]).toEqual([input, isGood]);
      expect([input, commandSchemas['deploy-app'].safeParse(input).success]).toEqual([input, isGood]);
    }
  });

  test('is what the server answers with, and what is committed', async () => {
    const { url } = await startServer();
    expect((await send(`${url}/api/v1/openapi.json`)).json).toEqual(JSON.parse(JSON.stringify(document)));
    const committed = JSON.parse(
      readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8'),
    ) as unknown;
    expect(committed, 'run: npx tsx scripts/openapi.ts && npx oxfmt docs/openapi.json').toEqual(
      JSON.parse(JSON.stringify(document)),
    );
  });
});
