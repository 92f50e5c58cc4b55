#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How `sallyport try` is used: arguments, input, exit status, what it prints.

usage: try.py BINARY

What each part says about an input is the business of its unit tests. Prints TAP.
"""
import pathlib
import subprocess
import sys
import tempfile

GOOD = '{"ok":true,"value":{"a":1}}\n'
BAD = '{"ok":false,"reason":"json_malformed","at":6}\n'
NOT_A_LINE = '{"error":"a line is {\\"text\\": \\"...\\"} or {\\"base64\\": \\"...\\"}"}\n'

TOKEN = ('{"token":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIiwiZXhwIjoyfQ.%s",'
         '"secret":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=","now":%d}\n')

# says, arguments, standard input, exit status, standard output (None: whatever), part of standard error
ROWS = (
    ("a good file", ["json", "good.json"], "", 0, GOOD, ""),
    ("a bad file", ["json", "bad.json"], "", 1, BAD, ""),
    ("one bad file among good ones", ["json", "good.json", "bad.json", "good.json"], "", 1, GOOD + BAD + GOOD, ""),
    ("a file that is not there does not stop the others", ["json", "nothing.json", "good.json"], "", 1, GOOD,
     "nothing.json: No such file"),
    ("a folder", ["json", "."], "", 1, "", "Is a directory"),
    ("a file without end", ["json", "/dev/zero"], "", 1, "", "/dev/zero: File too large"),
    ("standard input", ["json", "-"], ' {"a" : 1} ', 0, GOOD, ""),
    ("nothing on standard input", ["json", "-"], "", 1, '{"ok":false,"reason":"json_malformed","at":0}\n', ""),
    ("lines", ["json", "--lines"], '{"text":"{\\"a\\":1}"}\n{"base64":"eyJhIjox"}\n', 0, GOOD + BAD, ""),
    ("a line that is none", ["json", "-l"], 'x\n{"text":"{\\"a\\":1}"}', 0, NOT_A_LINE + GOOD, ""),
    ("the lines of files", ["json", "--lines", "lines", "-", "lines"], 'x\n', 0, GOOD + NOT_A_LINE + GOOD, ""),
    ("options behind the files", ["json", "lines", "--lines"], "", 0, GOOD, ""),
    ("no lines", ["json", "--lines"], "", 0, "", ""),
    ("the lines of a file that is not there", ["json", "--lines", "nothing"], "", 1, "", "No such file"),
    ("a request", ["http", "-"], "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, None, ""),
    ("a bad request", ["http", "-"], "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 1, None, ""),
    ("a text", ["text", "-"], '{"text":"<b>x","as":"strip"}', 0, '{"text":"x"}\n', ""),
    ("a text that is refused", ["text", "-"], '{"text":"<b>x","as":"refuse"}', 1, '{"refused":"markup"}\n', ""),
    ("a text that is to become something else", ["text", "-"], '{"text":"x","as":"x"}', 1, None, ""),
    ("schemas", ["schema", "--lines"],
     '{"schema":{"items":{"maxLength":1}},"instance":["a","bc"]}\n{"schema":{},"instance":1e999}\n'
     '{"schema":{"type":"text"},"instance":1}\n{"schema":{}}\n'
     '{"schema":{"items":[false]},"draft":"draft-07","instance":[1]}\n'
     '{"schema":{"$ref":"http://a/b"},"refs":{"http://a/b":{"format":"date"}},"formats":true,"instance":"x"}\n'
     '{"schema":{"pattern":"^(a+)+$"},"instance":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"}\n', 0,
     '{"ok":false,"at":"/1","keyword":"maxLength"}\n{"ok":true}\n{"error":"no such type","at":"/type"}\n'
     '{"error":"a line is {\\"schema\\": ..., \\"instance\\": ...}"}\n'
     '{"ok":false,"at":"/0","keyword":"items"}\n{"ok":false,"at":"","keyword":"format"}\n'
     '{"ok":false,"at":"","keyword":"pattern","bound":true}\n', ""),
    ("an expression", ["cel", "-"], "1 + 1", 0, '{"value":2,"type":"int"}\n', ""),
    ("a bad expression", ["cel", "-"], "1 +", 1,
     '{"error":"the expression ends too early","at":3,"phase":"parse"}\n', ""),
    ("expressions by line", ["cel", "--lines"],
     '{"expr":"a + 1","vars":{"a":2}}\n{"expr":"1/0"}\n{"expr":"b\'x\'","typed":true}\n{"exp":1}\n', 0,
     '{"value":3,"type":"int"}\n{"error":"division by zero","at":1,"phase":"run"}\n'
     '{"value":{"bytes_b64":"eA=="},"type":"bytes"}\n'
     '{"error":"a line is {\\"expr\\": \\"...\\", \\"vars\\": {...}}"}\n', ""),
    ("tokens", ["jwt", "--lines"],
     TOKEN % ("AqR3GTknfLr7j5AmGMOQy_l9BK8QQCa2agD_DE4xfD0", 1) + TOKEN % ("AqR3GTknfLr7j5AmGMOQy_l9BK8QQCa2agD_DE4xfD0", 2) + TOKEN % ("x", 1) + '{"token":"a.b.c"}\n', 0,
     '{"ok":true,"claims":{"sub":"a","exp":2}}\n{"ok":false,"reason":"credential_expired"}\n'
     '{"ok":false,"reason":"credential_invalid","detail":"the signature is not base64url"}\n'
     '{"error":"a line needs \\"keys\\" or \\"secret\\""}\n', ""),
    ("help", ["--help"], "", 0, None, ""),
    ("no part", [], "", 2, "", "usage: sallyport try"),
    ("no file", ["json"], "", 2, "", "usage: sallyport try"),
    ("a part that does not exist", ["yaml", "good.json"], "", 2, "", "no part is called 'yaml'"),
    ("an option that does not exist", ["json", "--line-by-line", "good.json"], "", 2, "", "line-by-line"),
)


def check(binary, folder, row):
    _says, arguments, given, status, wanted, complaint = row
    done = subprocess.run([binary, "try", *arguments], cwd=folder, input=given.encode(), timeout=30,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    printed, complained = done.stdout.decode(), done.stderr.decode()
    if done.returncode != status:
        yield f"exit status {done.returncode}, wanted {status}"
    if wanted is not None and printed != wanted:
        yield f"printed {printed[:300]!r}, wanted {wanted!r}"
    if complaint not in complained or (complained and not complaint):
        yield f"complained {complained[:300]!r}, wanted {complaint!r}"


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    failed = 0
    print(f"1..{len(ROWS)}")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "good.json").write_text('{"a":1}')
        (folder / "bad.json").write_text('{"a":1')
        (folder / "lines").write_text('{"text":"{\\"a\\":1}"}\n')
        for number, row in enumerate(ROWS, 1):
            wrong = list(check(binary, folder, row))
            for line in wrong:
                print(f"# {line}")
            failed += bool(wrong)
            print(f"{'not ok' if wrong else 'ok'} {number} - {row[0]}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
