# shellcheck shell=bash
# Asking the stack at $url by the words in $curl, and looking at the answer in $answer.
answer=""

# The whole answer of a request, headers first.
ask() { # CURL-ARGUMENT…
  "${curl[@]}" -sS -i -m 20 "$@" | tr -d '\r'
}
# What the answer must be; each says what it found instead.
status() { # CODE
  grep -q "^HTTP/[0-9.]* $1" <<<"$answer" || complain "$(head -n 1 <<<"$answer")"
}
has() { # TEXT
  grep -qi -- "$1" <<<"$answer" || complain "no '$1' in:" "$answer"
}
lacks() { # TEXT
  ! grep -qi -- "$1" <<<"$answer" || complain "'$1' in:" "$answer"
}
# grep -q at the end of a pipe would leave early, and the writer's broken pipe would count as a
# failure.
found() { # GREP-ARGUMENT…
  grep -c "$@" >/dev/null
}
# The status alone.
code_of() { # CURL-ARGUMENT… URL
  "${curl[@]}" -s -o /dev/null -m 5 -w '%{http_code}' "$@"
}
healthy() {
  "${curl[@]}" -fsS -m 5 -o /dev/null "$url/health"
}
