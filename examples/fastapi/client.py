"""Sends a webhook until it is answered. Standard library only.

    python3 client.py [URL] [FILE with the event, JSON]
"""

import http.client
import json
import random
import sys
import time
import urllib.error
import urllib.request
import uuid

# 409: the first delivery is still being processed. 5xx: it failed, and its key was given back.
RETRYABLE = {409, 500, 502, 503, 504}


def send_webhook(url, event, idempotency_key, attempts=6):
    """Returns status, headers and body of the answer. The same key every time makes every retry safe."""
    request = urllib.request.Request(
        url,
        data=json.dumps(event).encode(),
        headers={"Content-Type": "application/json", "X-Idempotency-Key": idempotency_key},
        method="POST",
    )
    for attempt in range(1, attempts + 1):
        retry_after = None
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            if error.code not in RETRYABLE or attempt == attempts:
                raise
            problem, retry_after = f"answered {error.code}", error.headers.get("Retry-After")
        except (OSError, http.client.HTTPException) as error:
            # The event may have been processed although its answer never came.
            if attempt == attempts:
                raise
            problem = f"network error: {error!r}"
        wait = pause(attempt, retry_after)
        print(f"attempt {attempt}: {problem}; next in {wait:.1f} s", file=sys.stderr)
        time.sleep(wait)


def pause(attempt, retry_after):
    """Seconds to wait: twice as long each time, with jitter, and never less than the server asks for."""
    backoff = random.uniform(0.5, 1) * min(0.5 * 2 ** (attempt - 1), 30)
    asked = float(retry_after) if retry_after and retry_after.isdigit() else 0
    return max(backoff, asked)


if __name__ == "__main__":
    url = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000/webhook"
    event = {"event": "payment.received", "data": {"payment_id": "pay_123", "amount": 100.50, "currency": "USD"}}
    if len(sys.argv) > 2:
        with open(sys.argv[2], encoding="utf-8") as file:
            event = json.load(file)

    # One key per operation, made before the first attempt. Keep it with the event: a restarted client needs it too.
    key = f"payment-{uuid.uuid4()}"
    status, headers, body = send_webhook(url, event, key)
    print(json.dumps({"key": key, "status": status, "cached": headers.get("X-Cached") == "true", "body": json.loads(body)}))
