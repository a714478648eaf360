"""A machine's clock that tests put forth and back, for whole programs: the server and the proxy in front.

A few lines of C are loaded before the C library and add what a file says to the time of day; how long things take, they leave alone.
"""

from __future__ import annotations

import shlex
import shutil
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# Without headers: not every machine with a compiler has them.
_SOURCE = """
extern long syscall(long, ...);
extern char *getenv(const char *);
extern int open(const char *, int, ...);
extern void *mmap(void *, unsigned long, int, int, int, long);
struct spec { long seconds, nanoseconds; };
struct value { long seconds, microseconds; };
static long none, *step = &none;
#ifdef __x86_64__
enum { NUMBER = 228 };
#else
enum { NUMBER = 113 };
#endif
__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("STEPPING_CLOCK");
    int file = path ? open(path, 02000000) : -1;
    void *found = file < 0 ? (void *)-1 : mmap(0, sizeof(long), 1, 1, file, 0);
    if (found != (void *)-1) step = found;
}
int clock_gettime(int clock, struct spec *told) {
    long failed = syscall(NUMBER, clock, told);
    if (!failed && (clock == 0 || clock == 5)) told->seconds += *step;
    return (int)failed;
}
int gettimeofday(struct value *told, void *zone) {
    struct spec now;
    clock_gettime(0, &now);
    told->seconds = now.seconds;
    told->microseconds = now.nanoseconds / 1000;
    return 0;
}
long time(long *told) {
    struct spec now;
    clock_gettime(0, &now);
    if (told) *told = now.seconds;
    return now.seconds;
}
"""
_STEP = struct.Struct("l")


@dataclass(frozen=True, slots=True)
class SteppingClock:
    """A clock in a folder, which programs have that are started with its variables."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Raises: subprocess.CalledProcessError: it does not compile."""
        clock = cls(folder)
        source = folder / "clock.c"
        source.write_text(_SOURCE)
        compiler = shutil.which("cc") or "gcc"
        words = [compiler, "-shared", "-fPIC", "-fno-builtin", "-O1", "-nostdlib", "-o", str(clock._library)]
        subprocess.run([*words, str(source)], check=True)
        clock._file.write_bytes(_STEP.pack(0))
        return clock

    @property
    def variables(self) -> Mapping[str, str]:
        return {"LD_PRELOAD": str(self._library), "STEPPING_CLOCK": str(self._file)}

    def put(self, seconds: int) -> None:
        """So far from the true time, from now on."""
        with self._file.open("r+b") as file:
            file.write(_STEP.pack(seconds))

    def program(self, path: str) -> Path:
        """One that has this clock, whatever it is started with."""
        made = self.folder / Path(path).name
        words = [f"{name}={shlex.quote(value)}" for name, value in self.variables.items()]
        made.write_text(f'#!/bin/sh\n{" ".join(words)} exec {shlex.quote(path)} "$@"\n')
        made.chmod(0o755)
        return made

    @property
    def _library(self) -> Path:
        return self.folder / "clock.so"

    @property
    def _file(self) -> Path:
        return self.folder / "step"
