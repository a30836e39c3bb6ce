"""A statement whose values come later: put together once, compiled once for each database, bound for each run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Dialect, Executable, TextualSelect
from sqlalchemy.sql import ClauseElement, Select
from sqlalchemy.sql.compiler import SQLCompiler


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """SQL for one kind of database."""

    sql: str
    names: Sequence[str]
    """Of its parameters, in the order in which the database wants their values; none for a dialect that names them."""
    constants: Mapping[str, object]
    """The parameters whose values stand in the template itself."""
    given: frozenset[str]
    """The others."""

    def parameters(self, given: Mapping[str, object]) -> Sequence[object]:
        """The values in the order of `names`. Raises TypeError for one that is missing or not asked for."""
        values = self.values(given)
        return [values[name] for name in self.names]

    def values(self, given: Mapping[str, object]) -> Mapping[str, object]:
        """By name, the constants among them. Raises TypeError as above."""
        if self.given.symmetric_difference(given):
            raise TypeError(f"given {sorted(given)}, wanted {sorted(self.given)}: {self.sql}")
        return {**self.constants, **given}


class Template:
    """Make one for each statement, and keep it: putting it together and compiling it takes a hundred times longer than
    binding it."""

    def __init__(self, executable: Executable) -> None:
        self._executable = executable
        self._compiled: dict[Dialect, Compiled] = {}
        self.reads_only = isinstance(executable, (Select, TextualSelect))

    def bind(self, **values: object) -> "Statement":
        """With a value for each parameter that has a name of its own and none in the template."""
        return Statement(template=self, values=values)

    def compiled(self, dialect: Dialect) -> Compiled:
        known = self._compiled.get(dialect)
        if known is None:
            known = self._compiled[dialect] = _compile(self._executable, dialect)
        return known


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A template with its values."""

    template: Template
    values: Mapping[str, object]

    def compiled(self, dialect: Dialect) -> tuple[str, Sequence[object]]:
        """The SQL, and the values in the order of its parameters."""
        compiled = self.template.compiled(dialect)
        return compiled.sql, compiled.parameters(self.values)


def once(executable: Executable) -> Statement:
    """A statement with all its values in it, for what is run once."""
    return Template(executable).bind()


def _compile(executable: Executable, dialect: Dialect) -> Compiled:
    assert isinstance(executable, ClauseElement)  # noqa: S101  # every Executable of ours is one
    made = executable.compile(dialect=dialect)
    assert isinstance(made, SQLCompiler)  # noqa: S101  # not DDL
    if made.post_compile_params:  # lists, whose parameters SQLAlchemy would count at each run
        raise ValueError(f"send lists as one parameter, through among(): {made}")
    constants = {name: bind.effective_value for bind, name in made.bind_names.items() if not bind.required}
    given = frozenset(made.bind_names.values()).difference(constants)
    return Compiled(sql=str(made), names=tuple(made.positiontup or ()), constants=constants, given=given)
