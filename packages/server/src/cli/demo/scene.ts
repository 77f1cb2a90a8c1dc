/** What the demo and the application in its child processes have in common. */
export const SOURCE = 'charges'

/** In the working folder: a line `KEY ATTEMPT MS` for each attempt, from its beginning. */
export const ATTEMPTS_FILE = 'attempts.txt'

/** In the working folder: records, and the application's own table `charges`. */
export const DATABASE_FILE = 'demo.db'

/** How long one charge takes. */
export const WORK_MS = 2_000

/** How long a key stays held after its process died. */
export const LEASE_SECONDS = 3
