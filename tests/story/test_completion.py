"""What a shell is answered when it asks how a line may go on; asked as shells ask."""

import os
import resource
import shutil
import subprocess
import sys

import pytest

from commands import ALONE, EXECUTABLE, finished
from gampen.cli import COMMANDS
from gampen.shipped import shipped_names

HEAVY = "{'torch', 'numpy', 'astropy', 'pyarrow', 'matplotlib', 'lightning_fabric', 'shellingham'}"
PATH = os.pathsep.join([str(EXECUTABLE.parent), os.environ["PATH"]])


def asked(line):
    """What bash is answered at the end of this line."""
    words = line.split(" ")
    place = {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    return answered({**place, "_GAMPEN_COMPLETE": "complete_bash"})


def answered(variables):
    """What a shell that sets these variables is answered."""
    process = subprocess.Popen(
        [EXECUTABLE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**ALONE, **variables},
    )
    ran = finished(process)
    assert (ran.status, ran.err) == (0, "")
    return ran.out.split()  # as shells do: no line, or an empty one, offers nothing


def test_commands_are_completed():
    assert asked("gampen pre") == ["predict"]
    names = {function.__name__.replace("import_model", "import") for function in COMMANDS}
    assert set(asked("gampen ")) == names


def test_options_are_completed():
    assert asked("gampen predict --thor") == ["--thorough"]
    assert {"--json", "--help"} <= set(asked("gampen doctor --"))


@pytest.mark.parametrize(
    "line",
    [
        "gampen predict somewhere --estimator ",
        "gampen calibrate ",
        "gampen guard ",
        "gampen finetune ",
        "gampen train run.toml --start ",
        "gampen survey survey.toml -e ",
        "gampen models ",
    ],
)
def test_wherever_an_estimator_is_asked_for_the_shipped_ones_are_offered(line):
    assert asked(line) == shipped_names()
    assert asked(f"{line}uni") == ["universal"]


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("gampen export catalogue.parquet --schema ", ["own", "gampen"]),
        ("gampen predict somewhere --device c", ["cpu", "cuda"]),
        ("gampen completion ", ["bash", "zsh", "fish"]),
    ],
)
def test_values_of_which_there_are_few_are_offered(line, values):
    assert asked(line) == values


def test_where_a_path_is_asked_for_the_shell_is_left_to_find_it():
    assert asked("gampen predict ") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_answered_in_their_own_words(shell):
    line = {"_TYPER_COMPLETE_ARGS": "gampen pre", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    answer = answered({**line, "_GAMPEN_COMPLETE": f"complete_{shell}"})
    answer = " ".join(answer)
    assert answer.startswith(
        {"zsh": '_arguments \'*: :(("predict":', "fish": "predict Predict"}[shell]
    )


def test_an_answer_loads_nothing_heavy_and_takes_less_than_half_a_second_of_a_core():
    code = (
        "import sys; from gampen.cli import main\n"
        "try:\n    main()\n"
        f"except SystemExit:\n    print(sorted(({HEAVY} - {{'shellingham'}}) & set(sys.modules)))"
    )
    place = {"COMP_WORDS": "gampen\npredict\n--estimator\n", "COMP_CWORD": "3"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **place, "_GAMPEN_COMPLETE": "complete_bash"},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run.stdout.splitlines()[-1] == "[]"
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


@pytest.mark.parametrize(
    ("shell", "begins"),
    [("bash", "_gampen_completion() {"), ("zsh", "#compdef gampen"), ("fish", "complete ")],
)
def test_a_script_is_printed_for_each_shell_whatever_the_terminal(gampen, shell, begins):
    ran = gampen("completion", shell)
    assert ran.status == 0
    assert ran.out.startswith(begins)
    assert "_GAMPEN_COMPLETE=complete_" + shell in ran.out


def test_a_shell_must_be_one_of_those_that_can_ask(gampen):
    ran = gampen("completion", "tcsh")
    assert ran.status == 2
    assert "'bash', 'zsh', 'fish'" in " ".join(ran.err.replace("│", " ").split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_what_its_script_was_read_for():
    ask = (
        'eval "$(gampen completion bash)"; '
        "COMP_WORDS=(gampen predict there --estimator s); COMP_CWORD=4; "
        '_gampen_completion gampen; echo "${COMPREPLY[@]}"; complete -p gampen'
    )
    run = subprocess.run(
        ["bash", "--norc", "-c", ask],
        capture_output=True,
        text=True,
        check=True,
        env={**ALONE, "PATH": PATH},
    )
    assert run.stdout.splitlines() == [
        "sersic",
        "complete -o default -F _gampen_completion gampen",
    ]
