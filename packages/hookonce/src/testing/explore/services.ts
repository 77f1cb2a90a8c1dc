/** Values without steps: the handler reads and changes them at once. */
type Passive = readonly unknown[] | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | Date | RegExp | Uint8Array

/** Services as a handler under exploration sees them: every method is asynchronous. */
export type AsyncServices<Services> = {
  [Name in keyof Services]: Services[Name] extends (...given: infer Given) => infer Result
    ? (...given: Given) => Promise<Awaited<Result>>
    : Services[Name] extends Passive
      ? Services[Name]
      : Services[Name] extends object
        ? AsyncServices<Services[Name]>
        : Services[Name]
}

/** Calls a method for a process: `perform` does what the method does. */
export type CallService = (name: string, given: unknown[], perform: () => unknown) => Promise<unknown>

/** Services whose methods are called by `call`. */
export function asyncServices<Services extends object>(
  services: Services,
  call: CallService,
  path = '',
): AsyncServices<Services> {
  return new Proxy(services, {
    get(_, name) {
      const value: unknown = Reflect.get(services, name)
      if (typeof name === 'symbol') return value
      if (typeof value === 'function') {
        return (...given: unknown[]) => call(path + name, given, () => value.apply(services, given))
      }
      return isPassive(value) ? value : asyncServices(value as object, call, `${path}${name}.`)
    },
  }) as AsyncServices<Services>
}

const isPassive = (value: unknown): boolean =>
  typeof value !== 'object' ||
  value === null ||
  Array.isArray(value) ||
  [Map, Set, Date, RegExp, Uint8Array, Promise].some(passive => value instanceof passive)
