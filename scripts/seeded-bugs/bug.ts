/** One bug: a text of one file, which is there exactly once, and what stands there instead. */
export interface Bug {
  /** What is wrong with it in place. */
  name: string
  /** From the root of the repository. */
  file: string
  find: string
  replace: string
  /** The test files, at least one of whose tests must fail. */
  tests: readonly string[]
}

export type Bugs = readonly Bug[]

/** Bugs of one folder that the same tests should find. */
export const bugsIn =
  (folder: string, ...tests: string[]) =>
  (name: string, file: string, find: string, replace: string, ...more: string[]): Bug => ({
    name,
    file: `${folder}/${file}`,
    find,
    replace,
    tests: more.length > 0 ? more : tests,
  })

const library = 'packages/hookonce/test'
const server = 'packages/server/test'

/** Names of test files in full. */
export const inLibrary = (...names: string[]): string[] => names.map(name => `${library}/${name}.test.ts`)
export const inServer = (...names: string[]): string[] => names.map(name => `${server}/${name}.test.ts`)
