export type { Attempt, Delivery, HeaderList } from 'hookonce'
export {
  acknowledge,
  type Config,
  type DeliveryFunction,
  defineConfig,
  env,
  type ForwardOptions,
  forward,
  type Handle,
  type SourceConfig,
} from './config/file.js'
