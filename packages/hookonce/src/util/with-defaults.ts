/** Options over their defaults. `undefined` says nothing: with `{ schema: process.env.SCHEMA }` unset the default stands. */
export function withDefaults<Defaults extends object, Options extends object>(
  defaults: Defaults,
  options: Options,
): Defaults & Options {
  const said = Object.entries(options).filter(([, value]) => value !== undefined)
  return { ...defaults, ...(Object.fromEntries(said) as Options) }
}
