"""What stands for Ray: actors in this process, whose calls are made when they are waited for."""

from copy import copy
from types import SimpleNamespace

from emotion.cluster.slots import Node


class RayError(Exception):
    pass


class ActorUnavailableError(RayError):
    pass


class DiesError(Exception):
    """The actor's process ends during a call; `lost`: its machine, too; `silent`: nobody says so."""

    def __init__(self, lost=False, silent=False):
        super().__init__("it dies")
        self.lost, self.silent = lost, silent


class FakeRay:
    """A cluster of machines that are called a, b, ...; actors go to each in turn.

    `alive` counts actors; `made` those that ever were.
    """

    exceptions = SimpleNamespace(RayError=RayError, ActorUnavailableError=ActorUnavailableError)

    def __init__(self, machines="a"):
        self.machines = list(machines)
        self.actors = []
        self.made = 0
        self.ray = self  # as of a connection

    def nodes(self):
        return [Node(name, name, 4, 0, 8 << 30) for name in self.machines]

    def remote(self, kind):
        return SimpleNamespace(options=lambda **_chosen: SimpleNamespace(remote=self._start(kind)))

    def _start(self, kind):
        def start(*arguments):
            machine = self.machines[self.made % len(self.machines)]
            self.made += 1
            actor = _Handle(self, kind(*arguments), machine)
            self.actors.append(actor)
            return actor

        return start

    def wait(self, refs, num_returns=1, timeout=None):
        for ref in refs:
            ref.call()
        # As a client of a cluster elsewhere: equal to what it was given, not the same.
        refs = [copy(ref) for ref in refs]
        return refs[:num_returns], refs[num_returns:]

    def get(self, ref):
        ref.call()
        if ref.error is not None:
            raise ref.error
        return ref.value

    def kill(self, actor):
        if actor in self.actors:
            self.actors.remove(actor)


class _Handle:
    def __init__(self, ray, instance, machine):
        self._ray, self._instance, self.machine = ray, instance, machine

    def __getattr__(self, name):
        return SimpleNamespace(remote=lambda *arguments: _Ref(self._ray, self, name, arguments))


class _Ref:
    def __init__(self, ray, actor, name, arguments):
        self._ray, self._actor, self._name, self._arguments = ray, actor, name, arguments
        self._called, self.value, self.error = False, None, None
        self._identity = object()

    def __eq__(self, other):
        return isinstance(other, _Ref) and self._identity is other._identity

    def __hash__(self):
        return id(self._identity)

    def call(self):
        if self._called:
            return
        self._called = True
        if self._actor not in self._ray.actors:
            self.error = RayError("The actor is dead.")
            return
        try:
            self.value = getattr(self._actor._instance, self._name)(*self._arguments)
        except DiesError as death:
            self._ray.kill(self._actor)
            if death.lost:
                self._ray.machines.remove(self._actor.machine)
            kind = ActorUnavailableError if death.silent else RayError
            self.error = kind("The actor died.\nThe worker was killed.")
        except Exception as error:
            self.error = RayError(str(error))
            self.error.cause = error
        if self._name == "ready" and self.value is not None:
            self.value = {**self.value, "node": self._actor.machine}
