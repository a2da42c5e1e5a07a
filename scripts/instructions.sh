#!/usr/bin/env bash
# Counts the instructions of each step on an event's way (benches/micro) with callgrind, and prints a table. Unlike times they
# are the same on a busy machine. What callgrind emulates has no SHA instructions, so `verify` counts a SHA-256 in software.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v valgrind >/dev/null; then
  echo "Instructions are counted by callgrind, and valgrind is not there: install it with this system's packages." >&2
  exit 1
fi
built="$(cargo bench --locked --quiet --bench micro --no-run --message-format=json)"
program="$(sed -n 's/.*"executable":"\([^"]*micro-[^"]*\)".*/\1/p' <<< "$built" | tail -n 1)"
printf '%-28s %12s\n' step instructions
# The terse list is one that divan gives to nextest alone.
NEXTEST=1 "$program" --list --format terse | sed -n 's/: benchmark$//p' | while read -r step; do
  # Once, and only what stands below `counted`: neither the start of the program nor what a step needs before it.
  report="$(valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no --toggle-collect='*counted*' \
    "$program" --test --exact "$step" 2>&1 >/dev/null < /dev/null)" || { echo "$report" >&2; exit 1; }
  count="$(sed -n 's/.*Collected : *\([0-9]*\).*/\1/p' <<< "$report")"
  if [ -z "$count" ] || [ "$count" -eq 0 ]; then
    echo "callgrind counted nothing for $step:" >&2
    echo "$report" >&2
    exit 1
  fi
  printf '%-28s %12d\n' "${step#micro::}" "$count"
done
