import type { FigureSum } from './api/types'
import { percent } from './format'

/** Of the deliveries of a source; from this share on it is red. */
export const ALARMING_FAILURES = 0.1

const FAILING = ['failed', 'lost', 'unavailable', 'full']
const REFUSED = ['unauthorized', 'invalid', 'mismatch']

export const deliveriesIn = ({ outcomes }: FigureSum, names: string[]): number =>
  names.reduce((sum, name) => sum + (outcomes[name] ?? 0), 0)

export const failingIn = (sum: FigureSum): number => deliveriesIn(sum, FAILING)

export const refusedIn = (sum: FigureSum): number => deliveriesIn(sum, REFUSED)

export const shareText = (part: number, whole: number): string => (whole === 0 ? '–' : percent(part / whole))
