"""Makes an agent with a few things at a running server and prints what schemathesis is to be told of them, as TOML.

usage: schemathesis_things.py BASE_URL KEY_FILE

The agent's key is written to KEY_FILE. Four of five made-up requests then name something that is there.
"""

import json
import sys
import urllib.error
import urllib.request

SHARE = 0.8
HOW_MANY = 20  # Some are deleted on the way.


def ask(base, path, body, key=None):
    headers = {"content-type": "application/json"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    request = urllib.request.Request(base + path, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        sys.exit(f"POST {path}: {error.code} {error.read().decode()}")


def publishers(base, key):
    for number in range(HOW_MANY):
        body = {
            "name": f"Publisher {number}",
            "slug": f"publisher-{number}",
            "publisher_category": "integration",
            "api_url": "https://api.example.com",
            "price_per_call": "0.01",
            "wallet_address": "0x742d35cC6634c0532925A3b844bc9E7595F0beB1",
            "wallet_network_id": "eip155:84532",
        }
        yield ask(base, "/organizations/default/publishers", body, key)["data"]


def endpoints(base, key):
    for number in range(HOW_MANY):
        body = {"region": "aws-us-east-1", "endpoint_id": f"vpce-{number:08x}"}
        yield ask(base, "/organizations/default/vpc-endpoints", body, key)["data"]


def main(base, key_file):
    agent = ask(base, "/auth/agent", {"name": "Schemathesis"})["data"]["agent"]
    with open(key_file, "w") as file:
        file.write(agent["api_key"])
    made = list(publishers(base, agent["api_key"]))
    words = {
        "organization_id": ["default", agent["organization_id"]],
        "publisher_id": [one["id"] for one in made],
        "slug": [one["slug"] for one in made],
        "region_id": ["aws-us-east-1"],
        "endpoint_id": [one["id"] for one in endpoints(base, agent["api_key"])],
    }
    for name, values in words.items():
        print(f"[dictionaries.{name}]\nvalues = {json.dumps(values)}")
    print("[parameters]")
    for name in words:
        print(f'"path.{name}" = {{ dictionary = "{name}", probability = {SHARE} }}')


main(*sys.argv[1:])
