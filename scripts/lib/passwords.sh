# shellcheck shell=bash
# Passwords, as Redis keeps them in its list of users.

hash_of() { # FILE: of the password in it, without its line end
  local sum=(shasum -a 256)
  ! command -v sha256sum >/dev/null || sum=(sha256sum)
  tr -d '\n' <"$1" | "${sum[@]}" | cut -d' ' -f1
}
