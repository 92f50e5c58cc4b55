#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The language's own conformance suite (google/cel-spec) through `sallyport try cel`.

usage: cel.py BINARY

Reads the cases from the folder `cel` of the test data that SALLYPORT_TESTDATA names; without
it everything is skipped, visibly. A case has an expression, perhaps variables, and the value or
that there is an error. Prints TAP, one line per file of the suite.
"""
import json
import os
import pathlib
import subprocess
import sys

# How many cases of each file have to pass: all that there were when this was written.
AT_LEAST = {
    "basic": 30, "bindings_ext": 4, "comparisons": 251, "conversions": 79, "encoders_ext": 4, "fields": 45,
    "fp_math": 20, "integer_math": 51, "lists": 25, "logic": 24, "macros": 31, "macros2": 37, "math_ext": 150,
    "namespace": 2, "parse": 142, "plumbing": 5, "string": 36, "string_ext": 154, "timestamps": 58,
    "type_deduction": 8,
}


def line_of(case):
    line = {"expr": case["expr"], "vars": case.get("bindings", {}), "typed": True}
    line.update({name: True for name in ("unchecked", "no_macros") if case.get(name)})
    return json.dumps(line)


def same(value):
    """In a form that can be compared: maps without order, numbers of a kind as that kind."""
    (kind, inner), = value.items()
    if kind == "list":
        return kind, tuple(same(item) for item in inner)
    if kind == "map":
        return kind, frozenset((same(key), same(item)) for key, item in inner)
    if kind in ("timestamp", "duration"):
        return kind, int(inner["seconds"]), int(inner.get("nanos", 0))
    if kind == "double" and not isinstance(inner, str):
        return kind, float(inner)
    return kind, inner


def is_right(case, answer):
    if "error" in case:
        return "error" in answer
    return "value" in answer and same(answer["value"]) == same(case["value"])


def run(binary, cases):
    done = subprocess.run([binary, "try", "cel", "--lines"], stdout=subprocess.PIPE, check=True, timeout=120,
                          input="\n".join(map(line_of, cases)).encode())
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def check(binary, path, number):
    cases = json.loads(path.read_text())["cases"]
    answers = run(binary, cases)
    passed = 0
    for case, answer in zip(cases, answers):
        if is_right(case, answer):
            passed += 1
        else:
            print(f"# {case['id']}: {case['expr']!r} gave {answer}")
    wanted = max(AT_LEAST.get(path.stem, 0), len(cases))
    good = len(answers) == len(cases) and passed >= wanted
    print(f"{'ok' if good else 'not ok'} {number} - {path.stem}: {passed} of {wanted}")
    return good


def main():
    folder = pathlib.Path(os.environ.get("SALLYPORT_TESTDATA", "/nowhere")) / "cel"
    paths = sorted(folder.glob("*.json"))
    if not paths:
        print(f"1..0 # SKIP no conformance cases in {folder}")
        return 0
    print(f"1..{len(paths) + 1}")
    good = [check(sys.argv[1], path, number) for number, path in enumerate(paths, 1)]
    missing = sorted(set(AT_LEAST) - {path.stem for path in paths})
    print(f"{'not ok' if missing else 'ok'} {len(paths) + 1} - all files are there {' '.join(missing)}")
    return 0 if all(good) and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
