import importlib.util
import marshal
import subprocess
import sys
from pathlib import Path

from ouranos.images import compiler


def test_bytecode_names_the_path_in_the_image_and_is_not_compared_with_its_source(
    tmp_path: Path,
) -> None:
    module = tmp_path / "opt/module.py"
    module.parent.mkdir()
    module.write_text("PLACE = 'as compiled'\n")
    (tmp_path / "opt/sample.py").write_text("print 'for another Python'\n")
    names = "opt/module.py\nopt/sample.py\n"
    command = [sys.executable, "-S", "-B", compiler.__file__, str(tmp_path)]
    subprocess.run(command, input=names.encode(), check=True)

    (compiled,) = tmp_path.rglob("*.pyc")
    content = compiled.read_bytes()
    assert content[:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(content[4:8], "little") == 1
    assert marshal.loads(content[16:]).co_filename == "/opt/module.py"
    assert content[8:16] == importlib.util.source_hash(module.read_bytes())

    module.write_text("PLACE = 'changed, which nobody looks for'\n")
    seen = subprocess.run(
        [sys.executable, "-E", "-c", "import module; print(module.PLACE)"],
        cwd=module.parent,
        check=True,
        capture_output=True,
        text=True,
    )
    assert seen.stdout == "as compiled\n"


def test_what_this_python_cannot_compile_is_passed_over() -> None:
    assert compiler.compiled(b"print 'words'\n", "/x.py") is None
    assert compiler.compiled(b"a = '\x00'\n", "/x.py") is None
