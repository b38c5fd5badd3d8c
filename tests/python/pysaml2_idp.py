"""An identity provider that nobody here wrote: pysaml2.

Reads one JSON object from standard input: the service provider's metadata, the AuthnRequest as it
came over HTTP-POST or HTTP-Redirect, whom to sign in and how to sign. Writes one: the response as the
form field's value, and the identity provider's own metadata.
"""

import base64
import json
import os
import sys
import tempfile

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
from saml2.server import Server

task = json.load(sys.stdin)
folder = tempfile.TemporaryDirectory()


def file(name, text):
    path = os.path.join(folder.name, name)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    return path


config = IdPConfig()
config.load(
    {
        "entityid": task["entity_id"],
        "service": {
            "idp": {
                "endpoints": {
                    "single_sign_on_service": [
                        (task["sso_url"], BINDING_HTTP_POST),
                        (task["sso_url"], BINDING_HTTP_REDIRECT),
                    ]
                },
                "name_id_format": [NAMEID_FORMAT_EMAILADDRESS],
                "policy": {"default": {"lifetime": {"minutes": 5}}},
                "want_authn_requests_signed": task["want_signed_request"],
            }
        },
        "metadata": {"local": [file("sp.xml", task["sp_metadata"])]},
        "key_file": file("key.pem", task["key"]),
        "cert_file": file("cert.pem", task["certificate"]),
        "xmlsec_binary": "/usr/bin/xmlsec1",
    }
)
server = Server(config=config)

binding = BINDING_HTTP_REDIRECT if task["redirect"] else BINDING_HTTP_POST
query = task["query"]
request = server.parse_authn_request(
    query["SAMLRequest"],
    binding,
    **(
        {"relay_state": query["RelayState"], "sigalg": query["SigAlg"], "signature": query["Signature"]}
        if "Signature" in query
        else {}
    ),
)
arguments = server.response_args(request.message)
arguments.pop("binding", None)
arguments["name_id"] = NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=task["email"])
response = server.create_authn_response(
    identity={"givenName": ["Dana"], "mail": [task["email"]], "title": ["Engineer", "Keyholder"]},
    userid=task["email"],
    sign_response=task["sign_response"],
    sign_assertion=task["sign_assertion"],
    sign_alg=task["sign_alg"],
    digest_alg=task["digest_alg"],
    authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", "authn_auth": "x"},
    **arguments,
)
saml_response = base64.b64encode(str(response).encode()).decode()
json.dump({"saml_response": saml_response, "metadata": str(entity_descriptor(config))}, sys.stdout)
