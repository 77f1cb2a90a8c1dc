import { type Delivery, keyOf } from 'hookonce'
import type { ResolvedSource } from './resolve.js'

/** The key of a delivery, read where its source reads it. @throws {InvalidKeyError} */
export const keyIn = ({ options: { sender } }: Pick<ResolvedSource, 'options'>, delivery: Delivery): string | null =>
  sender === undefined ? keyOf(delivery) : sender.key(delivery)
