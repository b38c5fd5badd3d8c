"""Verifies access tokens (RFC 9068) with joserfc, by what the issuer publishes and nothing else."""

import json
import os
import urllib.request

from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

told = json.loads(os.environ["OSTIARY_TOLD"])


def fetch(url):
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


metadata = fetch(told["discovery"])
assert metadata["issuer"] == told["issuer"], metadata
keys = KeySet.import_key_set(fetch(metadata["jwks_uri"]))
claims_of = jwt.JWTClaimsRegistry(
    now=told["now"],
    iss={"essential": True, "value": metadata["issuer"]},
    aud={"essential": True, "value": metadata["issuer"]},
    sub={"essential": True},
    client_id={"essential": True},
    jti={"essential": True},
    exp={"essential": True},
    iat={"essential": True},
)

seen = []
for text in told["tokens"]:
    token = jwt.decode(text, keys, algorithms=["ES256", "RS256", "EdDSA"])
    assert token.header["typ"] == "at+jwt", token.header
    claims_of.validate(token.claims)
    assert token.claims["scope"] == "identity", token.claims
    seen.append(token.header["alg"])
    message, signature = text.rsplit(".", 1)
    other = ("A" if signature[5] != "A" else "B").join([signature[:5], signature[6:]])
    try:
        jwt.decode(f"{message}.{other}", keys, algorithms=["ES256", "RS256", "EdDSA"])
        raise SystemExit("a changed signature was accepted")
    except BadSignatureError:
        pass
print(*seen)
