/** The JSON schema of the compose specification, and every path in it, for whoever wants to try values there. */
import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';

interface Shape {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly oneOf?: readonly Shape[];
  readonly anyOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly additionalProperties?: Shape | boolean;
  readonly required?: readonly string[];
  readonly items?: Shape;
  readonly enum?: readonly unknown[];
  readonly definitions?: Readonly<Record<string, Shape>>;
}

const url = new URL('../../../node_modules/dclint/schemas/compose.schema.json', import.meta.url);
const schema = {
  ...(JSON.parse(readFileSync(url, 'utf8')) as Shape),
  $schema: 'http://json-schema.org/draft-07/schema#',
};

/** Formats are for durations and the like, which the specification leaves to whoever reads them. */
export const isBySpecification: ValidateFunction = new Ajv({ strict: false, validateFormats: false }).compile(schema);

/** A place in a compose file: a value goes in, a whole file comes out. */
export interface Spot {
  /** `services.web.ports[0].target` */
  readonly path: string;
  readonly with: (value: unknown) => unknown;
}

/** Names for keys that a person chooses. */
const chosen = 'web';

/** Every place that the schema speaks of, each once. */
export function spots(): readonly Spot[] {
  const found = new Map<string, Spot>();
  const visit = (given: Shape, path: string, put: (value: unknown) => unknown, depth: number): void => {
    const shape = resolved(given);
    if (path !== '') found.set(path, { path, with: put });
    if (depth > 12) return;
    for (const one of [...(shape.oneOf ?? []), ...(shape.anyOf ?? [])]) visit(one, path, put, depth + 1);
    const into = (key: string, inner: Shape): void => {
      const others = Object.fromEntries(
        (shape.required ?? []).filter((name) => name !== key).map((name) => [name, sample(shape.properties?.[name])]),
      );
      visit(inner, path === '' ? key : `${path}.${key}`, (value) => put({ ...others, [key]: value }), depth + 1);
    };
    for (const [key, inner] of Object.entries(shape.properties ?? {})) into(key, inner);
    for (const [pattern, inner] of Object.entries(shape.patternProperties ?? {}))
      if (!pattern.startsWith('^x-')) into(chosen, inner);
    if (typeof shape.additionalProperties === 'object') into(chosen, shape.additionalProperties);
    if (shape.items) visit(shape.items, `${path}[0]`, (value) => put([value]), depth + 1);
  };
  visit(schema, '', (value) => value, 0);
  return [...found.values()].map(({ path, with: put }) => ({ path, with: (value) => runnable(put(value)) }));
}

const resolved = ({ $ref, ...shape }: Shape): Shape =>
  $ref === undefined
    ? shape
    : { ...resolved(schema.definitions?.[$ref.replace('#/definitions/', '')] ?? {}), ...shape };

function sample(given: Shape | undefined): unknown {
  const shape = resolved(given ?? {});
  if (shape.enum) return shape.enum[0];
  const [type] = [shape.type ?? []].flat();
  if (type === 'object') return {};
  if (type === 'array') return [];
  if (type === 'number' || type === 'integer') return 1;
  return type === 'boolean' ? true : 'one';
}

/** Its service has an image, or there is one. */
function runnable(file: unknown): unknown {
  const { services = { [chosen]: {} }, ...others } = file as { services?: Record<string, unknown> };
  const service = typeof services === 'object' && services !== null ? services[chosen] : undefined;
  if (typeof service !== 'object' || service === null || Array.isArray(service)) return { ...others, services };
  return { ...others, services: { ...services, [chosen]: { image: 'nginx', ...service } } };
}
