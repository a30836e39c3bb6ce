"""The review page joined into few files, and written for a static host."""

import re
from pathlib import Path

import pytest

from editqueue.entrypoints.http.page_bundle import ASSETS, FOREVER, WEB_DIR, bundle, write

PAGE = """<html data-assets="/review-assets"><head>
  <link rel="stylesheet" href="/review-assets/a.css">
  <link rel="stylesheet" href="/review-assets/b.css" media="print">
  <link rel="modulepreload" href="/review-assets/ui/b.js">
  <script type="module" src="/review-assets/main.js"></script>
</head></html>
"""


def a_page(folder: Path, **scripts: str) -> Path:
    assets = folder / ASSETS
    (assets / "ui").mkdir(parents=True)
    (folder / "review.html").write_text(PAGE)
    files = {"a.css": "a {}\n", "b.css": "b {}\n", "config.json": "{}", "de.json": "{}"}
    files["main.js"] = 'import { b as c } from "./ui/b.js";\n// starts\nc();\n'
    files["ui/b.js"] = "/** Says so. */\nexport function b() {}\n"
    for name, text in {**files, **{f"{name}.js": text for name, text in scripts.items()}}.items():
        (assets / name).write_text(text)
    return folder


def test_modules_keep_their_own_scope_and_come_after_what_they_import(tmp_path: Path) -> None:
    made = bundle(a_page(tmp_path))

    assert made.files["page.js"].decode() == (
        "const $m0 = (() => {\nfunction b() {}\nreturn { b };\n})();\n"
        "const $m1 = (() => {\nconst { b: c } = $m0;\nc();\nreturn {  };\n})();\n"
    )
    assert made.files["page.css"].decode() == "a {}\n@media print {\nb {}\n}\n"


@pytest.mark.parametrize("line", ["export default 1;", 'import b from "./ui/b.js";', 'export { b } from "./ui/b.js";'])
def test_a_script_that_cannot_be_joined_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ValueError, match=r"main\.js cannot be joined"):
        bundle(a_page(tmp_path, main=line))


def test_the_version_changes_with_every_file_but_the_configuration(tmp_path: Path) -> None:
    folder = a_page(tmp_path)
    versions = [bundle(folder).version]
    for name in ("config.json", "de.json", "a.css", "ui/b.js", "../review.html"):
        with (folder / ASSETS / name).open("a") as file:
            file.write("\n")
        versions.append(bundle(folder).version)

    assert versions[0] == versions[1]
    assert len(set(versions)) == len(versions) - 1


def test_every_module_of_the_page_is_joined_and_preloaded_where_it_is_not() -> None:
    modules = {str(path.relative_to(WEB_DIR / ASSETS)) for path in (WEB_DIR / ASSETS).rglob("*.js")}
    html = (WEB_DIR / "review.html").read_text(encoding="utf-8")

    preloaded = set(re.findall(rf'rel="modulepreload" href="/{ASSETS}/([^"]+)"', html))
    assert preloaded | {"main.js", "data/types.js"} == modules
    assert bundle(WEB_DIR).files["page.js"].count(b"= (() => {\n") == len(preloaded) + 1


def test_the_page_written_for_a_static_host_asks_for_nothing_that_is_not_there(tmp_path: Path) -> None:
    made = write(tmp_path / "page")

    html = (tmp_path / "page" / "review.html").read_text(encoding="utf-8")
    assert html == made.html
    for path in re.findall(r'(?:href|src)="(/[^"]+)"', html):
        assert (tmp_path / "page" / path[1:]).is_file()
    assert (tmp_path / "page" / "_redirects").is_file()
    headers = (tmp_path / "page" / "_headers").read_text(encoding="utf-8")
    assert f"/{ASSETS}/{made.version}/*\n  ! Cache-Control\n  Cache-Control: {FOREVER}\n" in headers


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "page")
    write(tmp_path / "page")
    with pytest.raises(FileExistsError, match="holds no review page"):
        write(tmp_path)
    assert (tmp_path / "page" / "review.html").is_file()
