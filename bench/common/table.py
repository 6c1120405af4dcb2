"""Tables for people: on the terminal, and in RESULTS.md when asked for."""

import datetime
import os
import platform
import statistics
import re
import subprocess
import sys


def machine(programs):
    """Where and with what: date, CPU, kernel, versions."""
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), "?")
    versions = [subprocess.run([program, "--version"], capture_output=True, text=True).stdout.split("\n")[0].split(" (")[0]
                for program in programs.values()]
    return f"{datetime.date.today()}, {os.cpu_count()} CPUs ({model}), Linux {platform.release()}; {'; '.join(v for v in versions if v)}"


def commit():
    """The commit that is measured; with a plus for changes on top of it."""
    head = subprocess.run(["git", "rev-parse", "--short=7", "HEAD"], capture_output=True, text=True).stdout.strip()
    changed = subprocess.run(["git", "status", "--porcelain", "--", "src", "bench"], capture_output=True, text=True).stdout
    return head + ("+" if changed else "")


def record(results, name, text):
    """Puts the section of that name into the page; the one that was there goes to the end of the month's history."""
    with open(results) as page:
        sections = re.split(r"(?m)^(?=## )", page.read())
    at = next((i for i, section in enumerate(sections) if section.split("\n")[0] == f"## {name}"), None)
    if at is None:
        sections.append(text)
    else:
        folder = os.path.join(os.path.dirname(results), "history")
        os.makedirs(folder, exist_ok=True)
        past = os.path.join(folder, f"{datetime.date.today():%Y-%m}.md")
        with open(past, "a") as history:
            if history.tell() == 0:
                history.write(f"# Results replaced in {datetime.date.today():%B %Y}\n\n")
            history.write(sections[at].rstrip("\n") + "\n\n")
        sections[at] = text
    with open(results, "w") as page:
        page.write("\n\n".join(section.rstrip("\n") for section in sections) + "\n")


def table(title, note, head, rows, append=None):
    """The title is the benchmark's name, a colon, and the machine."""
    name, where = title.split(": ", 1)
    lines = [f"## {name}", "", f"Commit {commit()}, {where}", "", note, "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    text = "\n".join(lines) + "\n\n"
    print(text, end="", flush=True)
    if append:
        record(append, name, text)


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


# For scripts whose tables another program makes: NAME, the text on stdin.
if __name__ == "__main__":
    record("bench/RESULTS.md", sys.argv[1], f"## {sys.argv[1]}\n\nCommit {commit()}, {machine({})}\n\n{sys.stdin.read()}")
