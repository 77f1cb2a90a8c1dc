import { DEFAULT_TIMING, type Timing, timingOf } from 'hookonce'
import type { ResolvedSource } from './resolve.js'

/** The timing of a source: its settings, and its sender's defaults for what they leave open. */
export function timingOfSource({ options }: Pick<ResolvedSource, 'options'>): Timing {
  return { ...DEFAULT_TIMING, ...(options.sender && timingOf(options.sender)), ...options }
}
