"""All instances of one state folder: the operations clients may ask for, and the reaping of children.

The wire is ``wire``'s, one instance's life is ``instance``'s.
"""

from __future__ import annotations

import os
import signal

from tholos_supervisor import cgroups, folders, processes
from tholos_supervisor.growth import Growth
from tholos_supervisor.instance import Instance, new_record
from tholos_supervisor.loop import Loop
from tholos_supervisor.model import Refused, Spec, Status, instance_name, spec_from
from tholos_supervisor.records import Records
from tholos_supervisor.spawn import CannotStart
from tholos_supervisor.wire import PROTOCOL, Listener, Request


class Supervisor:
    """Carries out requests; one at a time, each at once."""

    def __init__(self, loop: Loop, records: Records, listener: Listener) -> None:
        self.loop = loop
        self.records = records
        self.growth = Growth(loop)
        self._listener = listener
        self._instances: dict[str, Instance] = {}
        self._leaving: list[Request] = []
        self._house = f"{cgroups.OURS}{records.mark}"
        self._operations = {
            "hello": self._hello,
            "start": self._start,
            "stop": self._stop,
            "forget": self._forget,
            "list": self._list,
            "watch": self._watch,
            "shutdown": self._shutdown,
            "leave": self._leave,
        }

    def run(self) -> None:
        """Take up every recorded instance, then serve until told to leave."""
        self.loop.on_signal(signal.SIGCHLD, self._reap)
        self.loop.on_signal(signal.SIGTERM, self.loop.stop)
        for number in (signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        loaded = self.records.load()
        for record in loaded:
            self._instances[record.spec.instance] = Instance(self, record)
            self._heed(record.spec)
        self._clear_groups({group for record in loaded for group in record.groups})
        folders.remove_unknown(self._listener.folder, self._instances)
        for instance in self._instances.values():
            instance.resume()
        self._listener.serve(self.loop, self._answer)
        self.loop.run()
        for instance in self._instances.values():
            instance.close()
        self._clear_groups(None)
        self.growth.close()
        self._listener.close()

    def groups_for(self, spec: Spec) -> cgroups.Groups:
        """The control groups of an instance, made anew.

        Raises:
            CannotStart: it needs them, and they cannot be had.
        """
        sandbox = spec.sandbox
        if sandbox is None or not sandbox.cgroups:
            return ()
        try:
            bases = cgroups.base(self._house)
            return cgroups.make(bases, spec.instance, sandbox)
        except (OSError, cgroups.Unavailable) as error:
            message = (
                f"Cannot limit what {spec.instance} uses: {error}. tholos doctor says what this machine has."
            )
            raise CannotStart(message) from None

    def _clear_groups(self, known: set[str] | None) -> None:
        """End and remove what is in groups of ours that no record knows; with ``None`` only remove what is empty."""
        try:
            bases = cgroups.base(self._house)
            for groups in cgroups.orphans(bases, known) if known is not None else ():
                cgroups.kill(groups)
                cgroups.remove(groups)
        except (OSError, cgroups.Unavailable):
            return
        cgroups.remove(tuple(str(place) for place in set(bases.values())))

    def announce(self, status: Status) -> None:
        self._listener.publish(status._asdict())
        self._after_change()

    def _answer(self, request: Request) -> None:
        operation = self._operations.get(request.operation)
        if operation is None:
            raise Refused("bad_request", "Cannot do this: there is no such operation.", "op")
        operation(request)

    def _hello(self, request: Request) -> None:
        request.answer({"protocol": PROTOCOL, "pid": os.getpid()})

    def _start(self, request: Request) -> None:
        spec = spec_from(request.body.get("spec"))
        self._heed(spec)
        instance = self._instances.get(spec.instance)
        if instance is None:
            if self._leaving:
                raise Refused("unavailable", "Cannot start an instance: the supervisor is shutting down.")
            instance = Instance(self, new_record(spec))
            self._instances[spec.instance] = instance
            try:
                instance.start()
            except OSError as error:
                self._drop(instance, spec.instance)
                message = f"Cannot start {spec.instance}: it could not be recorded ({error.strerror})."
                raise Refused("unavailable", message) from None
        else:
            instance.go_on(spec)
        request.answer(instance.shown._asdict())

    def _heed(self, spec: Spec) -> None:
        """Without bubblewrap an instance finds our socket, and where it is of our user it may speak to it."""
        if spec.sandbox is not None and not spec.sandbox.bubblewrap:
            self._listener.is_wary = True

    def _stop(self, request: Request) -> None:
        instance = self._named(request)
        instance.stop()
        request.answer(instance.shown._asdict())

    def _forget(self, request: Request) -> None:
        name = instance_name(request.body.get("instance"))
        instance = self._instances.get(name)
        if instance is not None:
            if not instance.is_over:
                raise Refused("not_ended", f"Cannot forget {name}: it has not ended.", "instance")
            self._drop(instance, name)
        request.answer(None)

    def _list(self, request: Request) -> None:
        request.answer([instance.shown._asdict() for instance in self._instances.values()])

    def _watch(self, request: Request) -> None:
        self._list(request)
        request.subscribe()

    def _shutdown(self, request: Request) -> None:
        self._leaving.append(request)
        for instance in self._instances.values():
            instance.stop()
        self._after_change()

    def _leave(self, request: Request) -> None:
        request.answer(None)
        self.loop.stop()

    def _drop(self, instance: Instance, name: str) -> None:
        instance.close()
        del self._instances[name]
        self.records.remove(name)

    def _named(self, request: Request) -> Instance:
        name = instance_name(request.body.get("instance"))
        if name not in self._instances:
            raise Refused("unknown_instance", f"Cannot find {name}: there is no such instance.", "instance")
        return self._instances[name]

    def _after_change(self) -> None:
        if any(instance.is_live for instance in self._instances.values()):
            return
        self._end_strays()
        if self._leaving and all(instance.is_over for instance in self._instances.values()):
            for request in self._leaving:
                request.answer(None)
            self.loop.stop()

    def _end_strays(self) -> None:
        """Children that no instance knows hid from their family; once none lives they belong to nobody."""
        for process in processes.children_of(os.getpid()):
            processes.send(process, signal.SIGKILL)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            owner = next((one for one in self._instances.values() if one.pid == pid), None)
            if owner is not None:
                owner.ended(os.waitstatus_to_exitcode(status))
