"""Tables for people: on the terminal, and dated at the end of RESULTS.md when asked for."""

import datetime
import os
import platform
import statistics
import subprocess


def machine(programs):
    """Where and with what: date, CPU, kernel, versions."""
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), "?")
    versions = [subprocess.run([program, "--version"], capture_output=True, text=True).stdout.split("\n")[0].split(" (")[0]
                for program in programs.values()]
    return f"{datetime.date.today()}, {os.cpu_count()} CPUs ({model}), Linux {platform.release()}; {'; '.join(v for v in versions if v)}"


def table(title, note, head, rows, append=None):
    lines = [f"### {title}", "", note, "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    text = "\n".join(lines) + "\n\n"
    print(text, end="", flush=True)
    if append:
        with open(append, "a") as results:
            results.write(text)


def number(value):
    """Three digits that count."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def median(values):
    return statistics.median(values) if values else None


def ratio(ours, others):
    """Of each round, since what disturbs one of them disturbs its neighbours too; the median of these."""
    return median([a / b for a, b in zip(ours, others)])
