"""The client of PyPI's x402 over httpx."""

import asyncio
import json
import os

from eth_account import Account
from x402 import x402Client
from x402.http import decode_payment_response_header
from x402.http.clients.httpx import x402HttpxClient
from x402.mechanisms.evm import EthAccountSigner
from x402.mechanisms.evm.exact.register import register_exact_evm_client


async def pay() -> None:
    client = x402Client()
    register_exact_evm_client(client, EthAccountSigner(Account.from_key(os.environ["PAY_KEY"])))
    method, body = os.environ.get("PAY_METHOD", "GET"), os.environ.get("PAY_BODY")
    headers = {"content-type": "application/json"} if body else {}
    async with x402HttpxClient(client, timeout=60) as http:
        response = await http.request(method, os.environ["PAY_URL"], content=body, headers=headers)
        receipt = response.headers.get("payment-response")
        decoded = receipt and decode_payment_response_header(receipt).model_dump(by_alias=True, mode="json")
        print(json.dumps({"status": response.status_code, "text": response.text, "receipt": decoded}))


asyncio.run(pay())
