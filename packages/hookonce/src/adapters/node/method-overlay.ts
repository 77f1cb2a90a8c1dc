type Method = (this: object, ...args: never[]) => unknown
type Methods = Record<string, Method>

/** What lies over one object: whoever uses the object meets `owner` instead. */
export class Layer<Owner extends object> {
  looksPast = false

  constructor(
    private readonly target: object,
    readonly owner: Owner,
    readonly beneath: Methods,
  ) {}

  /** Runs something that meets what is beneath. */
  past<T>(run: () => T): T {
    const before = this.looksPast
    this.looksPast = true
    try {
      return run()
    } finally {
      this.looksPast = before
    }
  }

  /** Leaves the object with what was beneath. */
  remove(): void {
    this.looksPast = true
    Object.assign(this.target, this.beneath)
  }
}

/**
 * Methods and getters to be laid over objects for a while. What others laid over an object before (wrapped methods)
 * stays beneath and in use.
 *
 * They are made once, not per object, and put on and taken off by assigning all at once: with closures,
 * `defineProperty` and `delete` a capture took 90 µs of each request.
 */
export function createOverlay<Owner extends object>(
  prototype: object,
  methods: Record<string, (owner: Owner, ...args: never[]) => unknown>,
  getters: Record<string, (owner: Owner, beneath: unknown) => unknown>,
): (target: object, owner: Owner) => Layer<Owner> {
  // A property, not a WeakMap: objects derived from a response (`Object.create(res)`) inherit it.
  const LAYER = Symbol('hookonce')
  type Layered = { [LAYER]: Layer<Owner> }
  const over: Methods = {}
  for (const [name, run] of Object.entries(methods)) {
    if (!(name in prototype)) continue
    over[name] = function (...args) {
      const { owner, beneath, looksPast } = (this as Layered)[LAYER]
      return looksPast ? beneath[name]!.apply(this, args) : run(owner, ...args)
    }
  }
  const accessors = Object.entries(getters).map(([name, get]): [string, PropertyDescriptor] => [
    name,
    {
      configurable: true,
      enumerable: true,
      get() {
        const { owner, looksPast } = (this as Layered)[LAYER]
        const beneath: unknown = Reflect.get(Object.getPrototypeOf(this), name, this)
        return looksPast ? beneath : get(owner, beneath)
      },
    },
  ])
  const names = Object.keys(over)
  const inherited = new WeakMap<object, Methods>()

  function inheritedBy(target: object): Methods {
    const parent: Methods = Object.getPrototypeOf(target)
    let found = inherited.get(parent)
    if (!found) {
      found = Object.fromEntries(names.map(name => [name, parent[name]!]))
      inherited.set(parent, found)
    }
    return found
  }

  return (target, owner) => {
    const members = target as Methods
    let beneath = inheritedBy(target)
    const wrapped = names.filter(name => Object.hasOwn(target, name))
    if (wrapped.length > 0) beneath = { ...beneath, ...Object.fromEntries(wrapped.map(name => [name, members[name]!])) }
    const layer = new Layer(target, owner, beneath)
    ;(target as Layered)[LAYER] = layer
    Object.assign(target, over)
    for (const [name, accessor] of accessors) Object.defineProperty(target, name, accessor)
    return layer
  }
}
