"""A mail server (aiosmtpd) for the tests.

It prints one JSON object a line: first {"port": ...}, then each letter that it took and each that it did not. What it does
is decided by the part of the recipient's address before the @:

    refused...   550 at RCPT
    later...     451 at RCPT, the first time
    slow...      takes two seconds at DATA
    broken...    closes the connection at DATA, the first time
    anything     takes the letter

Arguments: the port (0 for any); with --auth USER:PASSWORD it takes letters only after that; with --tls CERTIFICATE KEY it speaks
TLS from the beginning, with --starttls it offers STARTTLS.
"""

import argparse
import asyncio
import email
import email.policy
import json
import ssl

from aiosmtpd.smtp import SMTP, AuthResult


def say(**facts):
    print(json.dumps(facts), flush=True)


class Handler:
    def __init__(self):
        self.seen = set()

    def first(self, address):
        if address in self.seen:
            return False
        self.seen.add(address)
        return True

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            say(refused=address)
            return "550 5.1.1 no mailbox of " + address
        if address.startswith("later") and self.first(address):
            say(later=address)
            return "451 4.7.1 greylisted: " + address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        recipient = envelope.rcpt_tos[0]
        if recipient.startswith("broken") and self.first(recipient):
            say(broken=recipient)
            server.transport.abort()
            return "421 4.3.0 gone"
        if recipient.startswith("slow"):
            await asyncio.sleep(2)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
        say(
            to=envelope.rcpt_tos,
            sender=envelope.mail_from,
            hello=session.host_name,
            tls=session.ssl is not None,
            user=session.auth_data.decode() if session.auth_data else None,
            headers=[[name, str(value)] for name, value in message.items()],
            text=parts.get("text/plain"),
            html=parts.get("text/html"),
        )
        return "250 OK"


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--auth")
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--starttls", nargs=2)
    given = parser.parse_args()
    options = {"hostname": "mail.test"}
    if given.auth:
        expected = tuple(part.encode() for part in given.auth.split(":", 1))

        def authenticate(server, session, envelope, mechanism, login):
            good = (login.login, login.password) == expected
            return AuthResult(success=good, handled=good, auth_data=login.login if good else None)

        options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": False}

    def context(files):
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        made.load_cert_chain(*files)
        return made

    if given.starttls:
        options |= {"tls_context": context(given.starttls), "require_starttls": True}
    handler = Handler()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, **options),
        "127.0.0.1",
        given.port,
        ssl=context(given.tls) if given.tls else None,
    )
    say(port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


asyncio.run(main())
