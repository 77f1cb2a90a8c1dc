/** Options over their defaults. `undefined` does not override: `{ schema: process.env.SCHEMA }` may be unset. */
export function withDefaults<Defaults extends object, Options extends object>(
  defaults: Defaults,
  options: Options,
): Defaults & Options {
  const set = Object.entries(options).filter(([, value]) => value !== undefined)
  return { ...defaults, ...(Object.fromEntries(set) as Options) }
}
