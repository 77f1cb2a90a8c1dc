import type { ServerProblemCode } from './problems.js'

/** What each problem means, and what to do about it. */
export const PROBLEM_HELP: Record<ServerProblemCode, { means: string; todo: string }> = {
  key_missing: {
    means: 'This source takes no delivery without an idempotency key.',
    todo: 'Send X-Idempotency-Key, Idempotency-Key or, for a source with a sender, what that sender names its events by.',
  },
  key_invalid: {
    means: 'The key is empty, longer than 255 bytes, not visible ASCII, sent twice, or two key headers disagree.',
    todo: 'Send one key of 1 to 255 visible ASCII characters. The detail says which rule was broken.',
  },
  body_invalid: {
    means: 'The handler of this source takes JSON, and the body is none.',
    todo: 'Send JSON in UTF-8. Nothing was recorded: the key can be used again.',
  },
  signature_invalid: {
    means: 'The signature is missing or not of this content, or its timestamp is too far from now.',
    todo: 'Compare the secret with the sender’s console and the clock with the time, and let no proxy change the body.',
  },
  not_found: {
    means: 'There is no such route, no such source, or nothing is recorded for this key.',
    todo: 'Compare the path with GET /, and the source with the one that the delivery was sent to.',
  },
  method_not_allowed: {
    means: 'The path is right, the method is not.',
    todo: 'Use one of the methods that the Allow header names.',
  },
  in_progress: {
    means: 'The first delivery with this key is still being processed, and the time to wait for it is over.',
    todo: 'Send the same again after Retry-After: it gets the result of the first one.',
  },
  body_too_large: {
    means: 'The body is larger than this source takes.',
    todo: 'Send less, or raise HOOKONCE_MAX_BODY_BYTES (maxBodyBytes of the source).',
  },
  key_reused: {
    means: 'The key was used before, for another payload. Its record is untouched and the handler was not run.',
    todo: 'A new payload is a new operation: send it with a new key. Where retries differ, set HOOKONCE_FINGERPRINT=none.',
  },
  handler_failed: {
    means: 'The handler failed. Nothing was recorded: the key is free again.',
    todo: 'Send the same again later. The log of the receiver says what happened.',
  },
  attempts_exhausted: {
    means: 'Attempts for this key ended in a crash again and again, so that it is not run any more.',
    todo: 'Find out why the process dies, then delete the record (DELETE /webhook/idempotency/{key}), or wait until it expires.',
  },
  upstream_unreachable: {
    means: 'The application that deliveries are forwarded to takes no connection, or ended it early.',
    todo: 'Start it, or correct HOOKONCE_FORWARD_TO. The key is free: send the same again later.',
  },
  attempt_failed: {
    means: 'This delivery waited for the attempt of another process, which failed.',
    todo: 'Send the same again after Retry-After: it is the next attempt.',
  },
  store_unavailable: {
    means: 'The store of records does not answer. Nothing is run without it.',
    todo: 'Send the same again after Retry-After. Who runs the receiver finds out more by hookonce doctor.',
  },
  shutting_down: {
    means: 'This process finishes what it began and takes nothing more.',
    todo: 'Send the same again after Retry-After.',
  },
  attempt_lost: {
    means:
      'The attempt lost its key: its lease was over, or the record was deleted. Whether its effects stand is not known.',
    todo: 'Send the same again: it gets the result if another attempt has one, else it is the next attempt.',
  },
  attempt_timeout: {
    means: 'The handler took longer than the lock TTL.',
    todo: 'Make it quicker, use an inbox, or raise HOOKONCE_LOCK_TTL_SECONDS.',
  },
  upstream_timeout: {
    means: 'The application behind this receiver did not answer in time. It may have done its work all the same.',
    todo: 'Send the same again later; make it quicker, use an inbox, or raise HOOKONCE_FORWARD_TIMEOUT_SECONDS.',
  },
  source_full: {
    means:
      'The source keeps as many records, or bytes, as it may. Nothing was run. What it has recorded is answered as ever.',
    todo: 'Send the same again after Retry-After. Who runs the receiver shortens the retention, deletes records, or raises HOOKONCE_MAX_RECORDS or HOOKONCE_MAX_STORED_BYTES (maxRecords, maxStoredBytes of the source).',
  },
  bad_request: {
    means: 'The path, the query or the body is not of the form that this route takes.',
    todo: 'The detail names what is wrong; /openapi.json says what is right.',
  },
  operator_token_required: {
    means: 'This route is for operators, and there was no token, a wrong one, or a session that is over.',
    todo: 'Send Authorization: Bearer with the token of HOOKONCE_ADMIN_TOKEN, or of the file operator-token beside the SQLite file; or log in on a page like /dashboard.',
  },
  operator_access_denied: {
    means:
      'This route is for operators, and without a token nobody is one but the user of the machine itself, in a trial.',
    todo: 'The detail says why. To get in from elsewhere or through a proxy, set HOOKONCE_ADMIN_TOKEN and restart.',
  },
  operator_token_guessed: {
    means: 'Ten wrong tokens came from this address within a minute.',
    todo: 'Send the right one: it is taken at any time. Who is logged in is not affected.',
  },
  request_timeout: {
    means:
      'The request did not arrive within half a minute, its headers within ten seconds, or its body came with less than 240 bytes a second.',
    todo: 'Send the same again, quicker.',
  },
  record_running: {
    means: 'An attempt holds the record, or attempts of an accepted delivery are still to come.',
    todo: 'Wait until it is settled. To clear it nevertheless: force=true; the result of the attempt is refused then.',
  },
  record_completed: {
    means: 'The delivery was processed, and a redrive would process it once more.',
    todo: 'If that is meant, say so: {"completed": true}.',
  },
  redrive_unconfirmed: {
    means: 'A redrive of many begins as many deliveries again as fit, and was not told how many those are now.',
    todo: 'Look at would_redrive (or ask with dry_run=true), and send the same with confirm=<that number>, or with confirm=all.',
  },
  media_type_invalid: {
    means: 'The Content-Type is not one that this route takes, or is not well formed.',
    todo: 'Send application/json.',
  },
  rate_limited: {
    means: 'This source takes only so many deliveries a second, and this one was beyond. It was not looked at.',
    todo: 'Send it again after Retry-After, or raise ratePerSecond of the source (HOOKONCE_RATE_PER_SECOND).',
  },
  loop_detected: {
    means: 'The application that this source forwards to is, directly or by way of others, this source itself.',
    todo: 'Correct HOOKONCE_FORWARD_TO (in a container localhost is the container itself). Nothing was run.',
  },
  overloaded: {
    means:
      'There are more deliveries in flight, or more bytes of bodies, than there is room for, or the process is behind. Nothing was run.',
    todo: 'Send it again after Retry-After. If it stays: more processes; where memory allows HOOKONCE_MAX_IN_FLIGHT, HOOKONCE_MAX_BODY_MEMORY_BYTES.',
  },
  headers_too_large: {
    means: 'There are more than 200 header fields, or more than 16 KiB of them.',
    todo: 'Send fewer.',
  },
  internal_error: {
    means: 'Something went wrong that the receiver did not expect.',
    todo: 'Its log says what. Send the same again later.',
  },
}
