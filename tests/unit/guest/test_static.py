"""The end of a server of files."""

import socket
import subprocess
import sys

from tholos.testing.trial import eventually

DYING = """
import os, signal, sys, time
from tholos_guest import static

class Dying:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.05)

def verify(self, request, address):
    Dying()
    return True

static.Server.verify_request = verify
static.serve(sys.argv[1], sys.argv[2], 1.0)
"""
ELSEWHERE = """
import signal, sys, threading
from tholos_guest import static

threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
static.serve(sys.argv[1], sys.argv[2], 1.0)
"""


def test_term_is_heard_wherever_it_comes(tmp_path):
    """Even in the middle of a finalizer, where nothing that is raised gets any further."""
    path = tmp_path / "app.sock"
    with subprocess.Popen([sys.executable, "-c", DYING, str(tmp_path), str(path)]) as process:
        try:
            eventually(path.exists)
            with socket.socket(socket.AF_UNIX) as client:
                eventually(lambda: client.connect_ex(str(path)) == 0)
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert process.wait(30) == 0
        finally:
            process.kill()
    assert not path.exists()


def test_term_wakes_who_waits_whichever_thread_it_comes_to(tmp_path):
    """A handler in Python would run once the first thread does something again, which it would not."""
    path = tmp_path / "app.sock"
    with subprocess.Popen([sys.executable, "-c", ELSEWHERE, str(tmp_path), str(path)]) as process:
        try:
            eventually(path.exists)
            process.terminate()
            assert process.wait(30) == 0
        finally:
            process.kill()
