"""Runs a Python original unchanged, except for the port.

usage: python3 original.py FILE --port PORT [--until-input-ends]

Port 0 picks a free port. The stdin of a server is a pipe from compare. It ends
when compare exits, and then the server exits, too.
"""
import ast
import os
import signal
import socket
import sys
import threading

LECTURE_PORT = 65432


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def end_with_input():
    # SIGINT is left to the main thread. Windows has no such function.
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    while os.read(0, 1024):
        pass
    os._exit(1)


file, port = sys.argv[1], int(sys.argv[3])
with open(file, "rb") as source:
    program = ast.parse(source.read(), file)
constants = [node for node in ast.walk(program) if isinstance(node, ast.Constant)]
ports = [constant for constant in constants if constant.value == LECTURE_PORT]
if not ports:
    sys.exit(f"{file}: the port {LECTURE_PORT} does not stand in it")
port = port or free_port()
for constant in ports:
    constant.value = port
if sys.argv[4:]:
    threading.Thread(target=end_with_input, daemon=True).start()
sys.argv = [file]
sys.path[0] = os.path.dirname(os.path.abspath(file))
exec(compile(program, file, "exec"), {"__name__": "__main__", "__file__": file})
