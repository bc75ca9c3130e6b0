/**
 * What keeps `schema` from being one that strict outputs take: every object closed, every property required, and only
 * keywords of the subset. Empty means it is fine.
 */
export function strictProblems(schema: unknown, place = '#'): string[] {
  const { type, properties, items, required = [], additionalProperties, anyOf, ...rest } = Object(schema)
  const types: unknown[] = [type].flat()
  const unknown = Object.keys(rest).filter((keyword) => !['enum', 'description'].includes(keyword))
  const inner = Object.entries(Object(properties))
  return [
    ...unknown.map((keyword) => `${place}/${keyword} is not taken`),
    ...(type === undefined && anyOf === undefined ? [`${place} has no type`] : []),
    ...(place === '#' && type !== 'object' ? ['# is no object'] : []),
    ...(types.includes('object') && additionalProperties !== false ? [`${place} is open`] : []),
    ...inner.filter(([name]) => !required.includes(name)).map(([name]) => `${place} does not require ${name}`),
    ...inner.flatMap(([name, value]) => strictProblems(value, `${place}/${name}`)),
    ...(types.includes('array') ? strictProblems(items, `${place}/items`) : []),
    ...(Array.isArray(anyOf) ? anyOf.flatMap((one, index) => strictProblems(one, `${place}/anyOf/${index}`)) : []),
  ]
}
