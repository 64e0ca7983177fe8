# shellcheck shell=bash
# What every command here does alike: it answers --help with the comment at its top, and says under
# its own name why it does not go on. To be sourced before anything else.

command=${0##*/}
if [ "${1:-}" = --help ]; then
  # From the second line to the first that is no comment.
  sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p;}' "$0"
  exit 0
fi

# It was asked rightly, and could not be done.
fail() {
  echo "$command: $*" >&2
  exit 1
}
# It was asked for what there is not.
misuse() {
  echo "$command: $*" >&2
  exit 2
}
