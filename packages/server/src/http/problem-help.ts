import type { ServerProblemCode } from './problems.js'

/** What each problem means, and what to do about it. */
export const PROBLEM_HELP: Record<ServerProblemCode, { means: string; todo: string }> = {
  key_missing: {
    means: 'This source requires an idempotency key.',
    todo: 'Send X-Idempotency-Key or Idempotency-Key; a source with a sender reads the key where that sender puts it.',
  },
  key_invalid: {
    means:
      'The key is empty, longer than 255 bytes, not visible ASCII, sent twice, or differs between two key headers.',
    todo: 'Send one key of 1 to 255 visible ASCII characters. The detail says which rule was broken.',
  },
  body_invalid: {
    means: 'The handler of this source accepts JSON, and the body is not JSON.',
    todo: 'Send JSON in UTF-8. Nothing was recorded: the key can be used again.',
  },
  signature_invalid: {
    means: 'The signature is missing or does not match the content, or its timestamp is too far from the current time.',
    todo: 'Compare the secret with the sender’s console, check the clock, and make sure that no proxy changes the body.',
  },
  not_found: {
    means: 'There is no such route, no such source, or nothing is recorded for this key.',
    todo: 'Compare the path with GET /, and the source with that of the delivery.',
  },
  method_not_allowed: {
    means: 'The path exists, but not with this method.',
    todo: 'Use a method of the Allow header.',
  },
  in_progress: {
    means: 'The first delivery with this key is still being processed, and the wait time is over.',
    todo: 'Send it again after Retry-After: it gets the result of the first delivery.',
  },
  body_too_large: {
    means: 'The body is larger than the limit of this source.',
    todo: 'Send a smaller body, or raise HOOKONCE_MAX_BODY_BYTES (maxBodyBytes of the source).',
  },
  key_reused: {
    means: 'The key was used before with another payload. Its record is unchanged, and the handler did not run.',
    todo: 'Send a new payload with a new key. If the sender’s retries differ, set HOOKONCE_FINGERPRINT=none.',
  },
  handler_failed: {
    means: 'The handler failed. Nothing was recorded: the key is free again.',
    todo: 'Send it again later. The log of the receiver has the reason.',
  },
  attempts_exhausted: {
    means: 'Several attempts for this key ended in a crash, so it does not run any more.',
    todo: 'Find out why the process crashes, then delete the record (DELETE /webhook/idempotency/{key}), or wait until it expires.',
  },
  upstream_unreachable: {
    means: 'The application refuses connections, or closed one before its response.',
    todo: 'Start it, or correct HOOKONCE_FORWARD_TO. The key is free: send it again later.',
  },
  attempt_failed: {
    means: 'This delivery waited for an attempt of another process, which failed.',
    todo: 'Send it again after Retry-After: it is the next attempt.',
  },
  store_unavailable: {
    means: 'The store of records does not answer. Nothing runs without it.',
    todo: 'Send it again after Retry-After. Operators run hookonce doctor.',
  },
  shutting_down: {
    means: 'This process is shutting down and accepts no new delivery.',
    todo: 'Send it again after Retry-After.',
  },
  attempt_lost: {
    means:
      'The attempt lost its key: its lease expired, or the record was deleted. Whether it had effects is not known.',
    todo: 'Send it again: it gets the result of another attempt, or is the next attempt.',
  },
  attempt_timeout: {
    means: 'The handler took longer than the lock TTL.',
    todo: 'Make it faster, use an inbox, or raise HOOKONCE_LOCK_TTL_SECONDS.',
  },
  upstream_timeout: {
    means: 'The application did not answer in time. It may still have processed the delivery.',
    todo: 'Send it again later. Make the application faster, use an inbox, or raise HOOKONCE_FORWARD_TIMEOUT_SECONDS.',
  },
  source_full: {
    means: 'The source has reached its limit of records or bytes. Nothing ran. Recorded results are still replayed.',
    todo: 'Send it again after Retry-After. Operators shorten the retention, delete records, or raise HOOKONCE_MAX_RECORDS or HOOKONCE_MAX_STORED_BYTES (maxRecords, maxStoredBytes of the source).',
  },
  bad_request: {
    means: 'The path, the query or the body is not valid for this route.',
    todo: 'The detail says what is wrong; /openapi.json describes the route.',
  },
  operator_token_required: {
    means: 'This route is for operators, and the token is missing or wrong, or the session is over.',
    todo: 'Send Authorization: Bearer with the token of HOOKONCE_ADMIN_TOKEN or of the file operator-token beside the SQLite file, or log in at /dashboard.',
  },
  operator_access_denied: {
    means: 'This route is for operators. Without a token it is open to local requests only, and only in a trial.',
    todo: 'The detail has the reason. For access from elsewhere or through a proxy set HOOKONCE_ADMIN_TOKEN and restart.',
  },
  operator_token_guessed: {
    means: 'Ten wrong tokens came from this address within a minute.',
    todo: 'Send the right token: it is always accepted. Sessions are not affected.',
  },
  request_timeout: {
    means:
      'The request took longer than 30 seconds, its headers longer than 10, or its body came at less than 240 bytes a second.',
    todo: 'Send it again, faster.',
  },
  record_running: {
    means: 'An attempt holds the record, or the accepted delivery has attempts left.',
    todo: 'Wait until it is settled. A delivery that waits for its next attempt is due at once by a redrive with {"waiting": true}. force=true clears a record at once; the result of its attempt is then refused.',
  },
  record_completed: {
    means: 'The delivery was processed; a redrive would process it again.',
    todo: 'To process it again send {"completed": true}.',
  },
  test_key_used: {
    means: 'A crash was to be simulated with an event whose key has a record already.',
    todo: 'Use a new key, or leave it out.',
  },
  test_running: {
    means: 'This process sends a hundred duplicates or simulates a crash, and does one of these at a time.',
    todo: 'Wait until it is done.',
  },
  failed_incomplete: {
    means: 'An operator wants to replay a delivery whose body was too large to be kept, or is kept redacted.',
    todo: 'Have the sender deliver it again.',
  },
  replay_unconfirmed: {
    means: 'A replay of many deliveries needs their number, so that none is replayed that nobody thought of.',
    todo: 'Repeat the request with confirm=COUNT, the number in the detail, or with confirm=all.',
  },
  refused_incomplete: {
    means: 'An operator wants to check or accept a refused delivery, of whose body only the beginning was kept.',
    todo: 'Mend what the delivery was refused for, and have the sender deliver it again.',
  },
  redrive_unconfirmed: {
    means: 'A redrive of many deliveries needs their current number as confirmation.',
    todo: 'Read would_redrive (or send dry_run=true), and repeat the request with confirm=<number> or confirm=all.',
  },
  media_type_invalid: {
    means: 'The Content-Type is not valid, or this route does not accept it.',
    todo: 'Send application/json.',
  },
  rate_limited: {
    means: 'The delivery exceeds the rate limit of this source. It was not processed.',
    todo: 'Send it again after Retry-After, or raise ratePerSecond of the source (HOOKONCE_RATE_PER_SECOND).',
  },
  loop_detected: {
    means: 'This source forwards to itself, directly or through others.',
    todo: 'Correct HOOKONCE_FORWARD_TO (in a container localhost is the container itself). Nothing ran.',
  },
  overloaded: {
    means: 'Too many deliveries are in flight, their bodies take too much memory, or the event loop lags. Nothing ran.',
    todo: 'Send it again after Retry-After. If it persists, run more processes, or raise HOOKONCE_MAX_IN_FLIGHT and HOOKONCE_MAX_BODY_MEMORY_BYTES where memory allows.',
  },
  headers_too_large: {
    means: 'The request has more than 200 header fields, or more than 16 KiB of them.',
    todo: 'Send fewer headers.',
  },
  internal_error: {
    means: 'An unexpected error occurred in the receiver.',
    todo: 'Its log has the reason. Send it again later.',
  },
}
