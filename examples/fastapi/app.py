"""The application behind Hookonce: no library, no locks. It reads two headers."""

from typing import Annotated, Optional

from fastapi import FastAPI, Header

app = FastAPI()
payments = []


@app.post("/hooks")
def receive(
    event: dict,
    idempotency_key: Annotated[Optional[str], Header()] = None,
    x_hookonce_attempt: Annotated[int, Header()] = 1,
):
    # An attempt above 1: an earlier one failed or died half-way, and may have done part of the work.
    payments.append({"key": idempotency_key, "attempt": x_hookonce_attempt, **event["data"]})
    return {"ok": True, "payment": event["data"]["payment_id"]}


@app.get("/payments")
def list_payments():
    return payments
