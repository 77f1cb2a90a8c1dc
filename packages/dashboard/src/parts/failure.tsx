import { ApiError, serverUrl } from '../api/client'

/** What went wrong and what to do: the problem's page on the server says more. */
export function Failure({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const problem = error instanceof ApiError ? error : undefined
  return (
    <div class="failure" role="alert">
      <p>
        <strong>{problem?.title ?? 'This page failed'}.</strong>{' '}
        {error instanceof Error ? error.message : String(error)}
      </p>
      <p class="actions">
        {retry !== undefined && (
          <button type="button" onClick={retry}>
            Try again
          </button>
        )}
        {problem !== undefined && problem.status > 0 && problem.code !== 'unknown' && (
          <a href={serverUrl(`problems/${encodeURIComponent(problem.code)}`)} target="_blank" rel="noreferrer">
            What this means
          </a>
        )}
      </p>
    </div>
  )
}
