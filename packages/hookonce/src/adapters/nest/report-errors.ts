import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common'
import { type Observable, tap } from 'rxjs'
import { attemptFor } from '../node/attempt-of.js'

/** Reports what a handler throws. A status below 500 is the sender's fault. Exception filters answer, as always. */
export class ReportErrors implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const known = attemptFor(context.switchToHttp().getRequest())
    const error = (thrown: unknown) => {
      if (known !== undefined && statusOf(thrown) >= 500) known.source.failed(thrown, known.attempt)
    }
    return next.handle().pipe(tap({ error }))
  }
}

function statusOf(thrown: unknown): number {
  const { getStatus, status } = (thrown ?? {}) as { getStatus?: () => number; status?: unknown }
  if (typeof getStatus === 'function') return getStatus.call(thrown)
  return typeof status === 'number' ? status : 500
}
