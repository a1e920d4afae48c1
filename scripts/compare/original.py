"""Runs a Python original as the program that it is, with only the port changed.

usage: python3 original.py FILE PORT

Where file descriptor 3 is open it tells there, a line of JSON each, when the program
is connected and when it prints.
"""
import ast
import json
import os
import socket
import sys
import time

LECTURE_PORT = 65432


def tell(event):
    try:
        line = json.dumps({"event": event, "atMs": time.time() * 1000})
        os.write(3, (line + "\n").encode())
    except OSError:
        pass  # nobody wants to know


class Connecting(socket.socket):
    """Every socket of the program: as before, and it tells when it is connected."""

    def connect(self, address):
        super().connect(address)
        tell("connected")


class Telling:
    """An output that tells when something is printed."""

    def __init__(self, stream):
        self.stream = stream

    def write(self, text):
        tell("reported")
        return self.stream.write(text)

    def __getattr__(self, name):
        return getattr(self.stream, name)


class OtherPort(ast.NodeTransformer):
    """The lecture's port, wherever it stands, becomes ours."""

    def __init__(self, port):
        self.port = port
        self.found = False

    def visit_Constant(self, node):
        if node.value != LECTURE_PORT or isinstance(node.value, bool):
            return node
        self.found = True
        return ast.copy_location(ast.Constant(self.port), node)


def main():
    file, port = sys.argv[1], int(sys.argv[2])
    with open(file, "rb") as source:
        other_port = OtherPort(port)
        program = other_port.visit(ast.parse(source.read(), file))
    if not other_port.found:
        sys.exit(f"{file}: the port {LECTURE_PORT} does not stand in it")
    try:
        os.fstat(3)
        socket.socket = Connecting
        sys.stdout, sys.stderr = Telling(sys.stdout), Telling(sys.stderr)
    except OSError:
        pass  # a server: nobody wants to know
    sys.argv = [file]
    sys.path[0] = os.path.dirname(os.path.abspath(file))
    space = {"__name__": "__main__", "__file__": file}
    exec(compile(program, file, "exec"), space)


main()
