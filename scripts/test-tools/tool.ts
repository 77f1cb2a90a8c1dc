/** Something tests need beyond Node and npm. */
export interface Tool {
  /** For messages, with the versions that will do. */
  name: string
  /** For messages: what of the tests needs it. */
  why: string
  /** The environment variable that gives the command. */
  env: string
  /** What a given command must be, if that is more than one that was found: arguments it exits 0 with, and in words. */
  given?: { works: string[]; is: string }
  /** Names to look for on PATH, best first. */
  commands: string[]
  /** Folders to look in after those of PATH, best first. */
  folders?: () => string[]
  /** Arguments with which a usable command exits 0. */
  works: string[]
  /** Debian packages. */
  apt: string[]
  /** Makes what tests run out of a command that was found, not given. */
  prepare?: (command: string) => Promise<string>
}

/** One line: what is missing, what for, and how to give it. */
export class ToolMissingError extends Error {
  override name = 'ToolMissingError'
}
