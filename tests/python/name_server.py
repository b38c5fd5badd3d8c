"""A name server (dnslib) for the tests, over UDP and TCP at one port of 127.0.0.1.

It reads one JSON object a line: {"zone": text} is what it answers from, as a zone file; of the names in "fail" it says SERVFAIL,
of those in "refuse" REFUSED, and to questions about those in "ignore" it says nothing. It prints one JSON object a line: first
{"port": ...}, then {"asked": names} after each line that it read: what it was asked since the last.
"""

import json
import socket
import sys

from dnslib import DNSRecord, RCODE
from dnslib.dns import DNSError
from dnslib.server import DNSHandler, DNSLogger, DNSServer
from dnslib.zoneresolver import ZoneResolver

# What does not fit into this many bytes is cut, and asked for again over TCP.
UDP_LENGTH = 512


class Resolver(ZoneResolver):
    def __init__(self):
        self.tell({"zone": ""})
        self.asked = []

    def tell(self, told):
        super().__init__(told["zone"])
        self.silent = {name.lower() for name in told.get("ignore", [])}
        self.codes = {name.lower(): RCODE.SERVFAIL for name in told.get("fail", [])}
        self.codes |= {name.lower(): RCODE.REFUSED for name in told.get("refuse", [])}

    def resolve(self, request, handler):
        name = str(request.q.qname).rstrip(".").lower()
        self.asked.append(name)
        if name in self.silent:
            raise DNSError("nothing is said of " + name)
        if name in self.codes:
            reply = request.reply()
            reply.header.rcode = self.codes[name]
            return reply
        return super().resolve(request, handler)


class Handler(DNSHandler):
    udplen = UDP_LENGTH

    def get_reply(self, data):
        """What is cut keeps its question (RFC 1035 §7.3): dnslib leaves it out, and clients then take the answer for a forged one."""
        reply = super().get_reply(data)
        parsed = DNSRecord.parse(reply)
        if parsed.header.tc and not parsed.questions:
            parsed.add_question(DNSRecord.parse(data).q)
            reply = parsed.pack()
        return reply


def start(resolver):
    """Both servers at one port; the one that is free over TCP may be in use over UDP."""
    for _ in range(100):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        quiet = DNSLogger("-request,-reply,-truncated,-error")
        at = {"port": port, "address": "127.0.0.1", "logger": quiet, "handler": Handler}
        try:
            udp = DNSServer(resolver, **at)
            tcp = DNSServer(resolver, tcp=True, **at)
        except OSError:
            continue
        udp.start_thread()
        tcp.start_thread()
        return port
    raise OSError("no free port")


def main():
    resolver = Resolver()
    print(json.dumps({"port": start(resolver)}), flush=True)
    for line in sys.stdin:
        resolver.tell(json.loads(line))
        asked, resolver.asked = resolver.asked, []
        print(json.dumps({"asked": asked}), flush=True)


main()
