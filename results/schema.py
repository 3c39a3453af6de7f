"""The columns of every Parquet part that the judge writes and this floor reads."""

from __future__ import annotations

import pyarrow as pa

VERDICTS = (
    "pass",
    "wrong_answer",
    "runtime_error",
    "time_limit",
    "memory_limit",
    "output_limit",
    "compile_error",
    "judge_error",
)

DIFFICULTIES = ("introductory", "interview", "competition")

# One row a (program, test). `program_row` is the program's position in the judged input.
TESTS = pa.schema(
    [
        ("program_row", pa.int64()),
        ("problem_id", pa.string()),
        ("author", pa.string()),
        ("sample", pa.int32()),
        ("test", pa.int32()),
        ("verdict", pa.string()),
        ("wall_s", pa.float64()),
        ("cpu_s", pa.float64()),
        ("memory_mib", pa.float64()),
        ("exit_status", pa.int32()),  # null where a signal ended the process
        ("signal", pa.int32()),  # null where the process exited by itself
        ("output_sha256", pa.string()),
        ("output_bytes", pa.int64()),
        ("output_head", pa.string()),  # bytes that are not UTF-8 are backslash-escaped
        ("message", pa.string()),  # why it is not a pass, for a person to read
        ("executed_lines", pa.list_(pa.int32())),  # 1-based, of the program as submitted
    ]
)

# One row a program.
PROGRAMS = pa.schema(
    [
        ("program_row", pa.int64()),
        ("problem_id", pa.string()),
        ("author", pa.string()),
        ("sample", pa.int32()),
        ("split", pa.string()),  # "train", "test" or null; tables leave "train" out by default
        ("difficulty", pa.string()),
        ("verdict", pa.string()),  # of the first test that is not a pass
        ("tests_passed", pa.int32()),
        ("tests_run", pa.int32()),  # fewer than tests_total where judging stopped at the first failure; null: all
        ("tests_total", pa.int32()),
        ("wall_s", pa.float64()),  # summed over the tests
        ("cpu_s", pa.float64()),  # summed over the tests
        ("memory_mib", pa.float64()),  # the largest of the tests
        ("statements", pa.list_(pa.list_(pa.int32()))),  # of the traced program: first line, last line of the header, last line
        ("logprob_sum", pa.float64()),
        ("token_count", pa.int32()),
        ("extra", pa.string()),  # the input's other columns, one JSON object; null where none
    ]
)
