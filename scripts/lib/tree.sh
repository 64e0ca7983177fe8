# shellcheck shell=bash
# The files of this tree.

# Without links to this tree, nor what is not of it.
copy_tree() { # FOLDER
  local path
  git ls-files -z --cached --others --exclude-standard |
    while IFS= read -rd '' path; do
      [ ! -e "$path" ] || printf '%s\0' "$path"
    done |
    tar -c --null -T - | tar -C "$1" -x
}
