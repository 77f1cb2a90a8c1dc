type Members = Record<string, unknown>
type Method = (...args: never[]) => unknown

/**
 * Properties laid over an object for a while: whoever uses the object meets them, `past()` looks at what is beneath,
 * `remove()` leaves the object as it was. What others laid over it before stays beneath and in use.
 */
export class Overlay {
  readonly #members: Members
  readonly #saved: [name: string, beneath: PropertyDescriptor | undefined][] = []
  #past = false

  constructor(target: object) {
    this.#members = target as Members
  }

  method(name: string, replacement: Method): void {
    const original = this.#members[name]
    // Absent in this version of Node: nobody calls it.
    if (typeof original !== 'function') return
    this.#saved.push([name, Object.getOwnPropertyDescriptor(this.#members, name)])
    this.#members[name] = (...args: never[]) =>
      this.#past ? original.apply(this.#members, args) : replacement(...args)
  }

  /** A derived property, read only; `get` may answer with what is beneath by calling its argument. */
  getter(name: string, get: (beneath: () => unknown) => unknown): void {
    const beneath = () => Reflect.get(Object.getPrototypeOf(this.#members), name, this.#members)
    this.#define(name, undefined, { get: () => (this.#past ? beneath() : get(beneath)) })
  }

  /** A property with two values: its user's, which begins as what is beneath, and the one beneath. */
  shadow(name: string): void {
    const beneath = this.#beneath(name)
    let seen = beneath.value
    this.#define(name, beneath, {
      get: () => (this.#past ? beneath.value : seen),
      set: (value: unknown) => {
        if (this.#past) beneath.value = value
        else seen = value
      },
    })
  }

  /** A property that is seen through `view`; assignments reach what is beneath. */
  veil<T>(name: string, view: (beneath: T) => T): void {
    const beneath = this.#beneath(name)
    this.#define(name, beneath, {
      get: () => (this.#past ? beneath.value : view(beneath.value)),
      set: (value: unknown) => {
        beneath.value = value
      },
    })
  }

  past<T>(run: () => T): T {
    const before = this.#past
    this.#past = true
    try {
      return run()
    } finally {
      this.#past = before
    }
  }

  remove(): void {
    for (const [name, beneath] of this.#saved.splice(0).reverse()) {
      if (beneath) Object.defineProperty(this.#members, name, beneath)
      else delete this.#members[name]
    }
  }

  #beneath(name: string): PropertyDescriptor {
    return { value: this.#members[name], writable: true, enumerable: true, configurable: true }
  }

  #define(name: string, beneath: PropertyDescriptor | undefined, accessor: PropertyDescriptor): void {
    this.#saved.push([name, beneath])
    Object.defineProperty(this.#members, name, { ...accessor, configurable: true, enumerable: true })
  }
}
