"""``python -m bench.bare_api PORT``: the least that FastAPI can answer, served as the API is, to compare it with."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Asked(BaseModel):
    """As large as a credit check."""

    customer_id: str
    amount: str
    currency: str


@app.post("/")
async def echo(body: Asked) -> Asked:
    """What was asked."""
    return body


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)
